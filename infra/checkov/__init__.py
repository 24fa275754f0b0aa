"""checkov beside the gate: plans as Terraform plans and manifests, judged by checkov in an environment of its own, joined to the decision."""
