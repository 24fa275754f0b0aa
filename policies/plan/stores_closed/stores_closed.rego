# METADATA
# title: Shared files and databases answer over TLS, and not to everybody
# description: |
#   A file system without a policy lets in whoever reaches its port, as any user they like. Its policy denies all that is not
#   encrypted in transit and all access as root, and opens the files to nobody at large: on a condition
#   to everybody, then for mounting and writing alone. A database has no public address, and
#   parameters that refuse whoever comes without TLS.
# custom:
#   check: C03
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:efs/fileSystem:FileSystem", "aws:rds/instance:Instance"]
#   reads: ["aws:efs/fileSystemPolicy:FileSystemPolicy", "aws:rds/parameterGroup:ParameterGroup"]
#   evidence: the plan and its decision
#   since: "2026-11-27"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.14, A.8.24], gdpr: ["32(1)(a)", "32(1)(b)"], uae_pdpl: ["20"]}
#   remediation: Add a FileSystemPolicy that denies elasticfilesystem:* without TLS and ClientRootAccess always; a ParameterGroup with rds.force_ssl.
#   runbook: gate_denied
package falaj.plan.stores_closed

import rego.v1

import data.falaj.lib.documents
import data.falaj.lib.plan

judged contains system.urn if some system in systems

judged contains database.urn if some database in databases

fail[urn] contains "no policy belongs to this file system" if {
	some urn, policies in of_system
	count(policies) == 0
	count(stray) == 0
}

fail[urn] contains "the policy is not a JSON object" if {
	some urn, policies in of_system
	some policy in policies
	documents.malformed(policy)
}

fail[urn] contains "no statement denies everybody what comes without TLS" if {
	some urn, found in statements
	count([1 |
		some statement in found
		denies_all(statement, {"elasticfilesystem:*", "*"})
		documents.without_tls(documents.tests_of(statement.Condition))
	]) == 0
}

fail[urn] contains "no statement denies everybody access as root" if {
	some urn, found in statements
	count([1 |
		some statement in found
		denies_all(statement, {"elasticfilesystem:clientrootaccess", "elasticfilesystem:client*", "elasticfilesystem:*", "*"})
		not documents.conditional(statement)
	]) == 0
}

fail[urn] contains sprintf("%v lets everybody in", [documents.label(statement, index)]) if {
	some urn, found in statements
	some index, statement in found
	object.get(statement, "Effect", "Allow") == "Allow"
	documents.everybody(statement)
	not documents.narrowed(statement)
}

fail[urn] contains sprintf("%v lets everybody do more than mount and write", [documents.label(statement, index)]) if {
	some urn, found in statements
	some index, statement in found
	object.get(statement, "Effect", "Allow") == "Allow"
	documents.everybody(statement)
	documents.narrowed(statement)
	more(statement)
}

unknown[urn] contains "a policy does not say yet which file system it belongs to" if {
	some urn, policies in of_system
	count(policies) == 0
	count(stray) > 0
}

unknown[urn] contains why if {
	some urn, policies in of_system
	some policy in policies
	why := documents.unreadable(policy)
}

fail[database.urn] contains "it has a public address" if {
	some database in databases
	public := object.get(database.inputs, "publiclyAccessible", false)
	not public in {false, null}
	not plan.hidden(public)
}

fail[database.urn] contains "no parameters of this plan refuse whoever comes without TLS" if {
	some database in databases
	count([1 |
		some parameter in parameters_of[database.urn]
		parameter.name == "rds.force_ssl"
		sprintf("%v", [parameter.value]) == "1"
	]) == 0
	not database.urn in unclear
}

unknown[database.urn] contains "whether it has a public address is not known before an apply" if {
	some database in databases
	plan.hidden(object.get(database.inputs, "publiclyAccessible", null))
}

unknown[urn] contains "its parameters are not known before an apply" if some urn in unclear

databases := plan.of_type("aws:rds/instance:Instance")

groups := {database.urn: found |
	some database in databases
	found := plan.referred_of(database, "parameterGroupName", {"aws:rds/parameterGroup:ParameterGroup"})
}

parameters_of := {urn: found |
	some urn, referred in groups
	found := [parameter | some group in referred; some parameter in plan.listed(object.get(plan.get(group).inputs, "parameters", null))]
}

unclear contains database.urn if {
	some database in databases
	plan.hidden(object.get(database.inputs, "parameterGroupName", null))
	count(groups[database.urn]) == 0
}

unclear contains urn if {
	some urn, found in groups
	some group in found
	plan.holds_hidden(object.get(plan.get(group).inputs, "parameters", null))
}

systems := plan.of_type("aws:efs/fileSystem:FileSystem")

parts := plan.of_type("aws:efs/fileSystemPolicy:FileSystemPolicy")

of_system := {system.urn: found |
	some system in systems
	found := [object.get(plan.get(part).inputs, "policy", null) | some part in parts_of[system.urn]]
}

parts_of[urn] contains part.urn if {
	some part in parts
	some urn in plan.referred(part, "fileSystemId")
}

# Those that may belong to any: nobody knows yet to which.
stray := {part.urn |
	some part in parts
	plan.hidden(object.get(part.inputs, "fileSystemId", null))
	count(plan.referred(part, "fileSystemId")) == 0
}

# URN -> the statements of its policies, where all can be read.
statements := {urn: found |
	some urn, policies in of_system
	count(policies) > 0
	count([1 | some policy in policies; documents.unreadable(policy)]) == 0
	found := [statement | some policy in policies; some statement in documents.statements(policy)]
}

denies_all(statement, wanted) if {
	statement.Effect == "Deny"
	documents.everybody(statement)
	count(documents.actions(statement) & wanted) > 0
	count(documents.resources(statement) & {"*"}) > 0
}

more(statement) if count(documents.actions(statement) - {"elasticfilesystem:clientmount", "elasticfilesystem:clientwrite"}) > 0

more(statement) if count(documents.actions(statement)) == 0
