# METADATA
# title: What serves has replicas in more than one zone
# description: |
#   A single replica, or all of them in one zone, is gone with one machine or one building. What serves asks for the environment's
#   number of replicas, and for their spread over zones from two on.
# custom:
#   check: C17
#   severity: medium
#   level: mandatory
#   unknown: deny
#   subjects: ["kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:StatefulSet", "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.14, A.5.30], gdpr: ["32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Raise replicas, and minReplicas of the autoscaler, to workloads.minimum_replicas; add topologySpreadConstraints with topology.kubernetes.io/zone.
#   runbook: gate_denied
package falaj.plan.replicas_spread

import rego.v1

import data.falaj.lib.plan

judged contains each.urn if some each in served

judged contains scaler.urn if some scaler in scalers

fail[each.urn] contains sprintf("it asks for %v replicas; at least %v are needed", [replicas(each), least]) if {
	some each in served
	is_number(replicas(each))
	replicas(each) < least
}

fail[each.urn] contains "nothing spreads its replicas over zones" if {
	least > 1
	some each in served
	not plan.holds_hidden(spread(each))
	count([1 | some constraint in plan.listed(spread(each)); over_zones(constraint)]) == 0
}

fail[scaler.urn] contains sprintf("it lets replicas fall to %v; at least %v are needed", [fewest(scaler), least]) if {
	some scaler in scalers
	is_number(fewest(scaler))
	fewest(scaler) < least
}

fail[each.urn] contains sprintf("its number of replicas is no number: %v", [replicas(each)]) if {
	some each in served
	plan.misread(replicas(each))
}

fail[scaler.urn] contains sprintf("its fewest replicas are no number: %v", [fewest(scaler)]) if {
	some scaler in scalers
	plan.misread(fewest(scaler))
}

unknown[each.urn] contains "its number of replicas is not known before an apply" if {
	some each in served
	plan.hidden(replicas(each))
}

unknown[each.urn] contains "how its replicas are spread is not known before an apply" if {
	least > 1
	some each in served
	plan.holds_hidden(spread(each))
}

unknown[scaler.urn] contains "its fewest replicas are not known before an apply" if {
	some scaler in scalers
	plan.hidden(fewest(scaler))
}

least := input.parameters.workloads.minimum_replicas

served := plan.of_types({"kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:StatefulSet"})

scalers := plan.of_type("kubernetes:autoscaling/v2:HorizontalPodAutoscaler")

# Kubernetes makes one where nobody says how many.
replicas(each) := or_one(plan.at(each.inputs, ["spec", "replicas"]))

fewest(scaler) := or_one(plan.at(scaler.inputs, ["spec", "minReplicas"]))

or_one(value) := 1 if value == null

or_one(value) := value if value != null

spread(each) := plan.at(each.inputs, ["spec", "template", "spec", "topologySpreadConstraints"])

over_zones(constraint) if constraint.topologyKey == "topology.kubernetes.io/zone"
