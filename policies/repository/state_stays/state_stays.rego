# METADATA
# title: State stays in the country
# description: |
#   State holds what every resource is and, encrypted, its secrets. A file of the repository says where each environment keeps it:
#   in a bucket of an allowed region, or, for the local environment, on the machine itself; and which key of the provider's encrypts
#   the secrets in it, since a passphrase is known to whoever has typed it, and nobody can take it back.
# custom:
#   check: C01
#   severity: critical
#   level: mandatory
#   unknown: deny
#   subjects: ["repository"]
#   reads: ["state.projects"]
#   evidence: the facts read from the checkout and their decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.5.31, A.5.34], gdpr: ["44"], uae_pdpl: ["22"]}
#   remediation: Write stacks/state.yaml with s3://BUCKET?region=REGION for each environment and, under secrets, awskms://alias/NAME?region=REGION, and take other backends out of Pulumi.yaml.
#   runbook: gate_denied
package falaj.repository.state_stays

import rego.v1

judged contains subject if some subject, _ in places

judged contains file if some file in files

judged contains path if {
	some path, project in projects
	project.error != ""
}

fail[file] contains "it is not there, so nobody can say where state is kept" if {
	some file in files
	not declared.there
	declared.error == ""
}

fail[file] contains "it names no environment" if {
	some file in files
	declared.there
	declared.error == ""
	count(environments) == 0
}

fail[subject] contains sprintf("it keeps state on one machine: %v", [place]) if {
	some subject, place in places
	on_this_machine(place)
	subject != "stacks/state.yaml: local"
}

fail[subject] contains sprintf("it keeps state in %v, which names no allowed region (%v)", [place, concat(", ", input.parameters.allowed_regions)]) if {
	some subject, place in places
	not on_this_machine(place)
	not in_the_country(place)
}

fail[subject] contains sprintf("the secrets in its state are encrypted by %v, which is no key of the provider's in an allowed region (%v)", [key, concat(", ", input.parameters.allowed_regions)]) if {
	some name, _ in environments
	name != "local"
	subject := sprintf("stacks/state.yaml: %v", [name])
	key := object.get(keys, name, "a passphrase")
	not of_the_country(key)
}

fail[subject] contains "its address holds a password" if {
	some subject, place in places
	holds_password(place)
}

fail[subject] contains "the address of its key holds a password" if {
	some name, _ in environments
	subject := sprintf("stacks/state.yaml: %v", [name])
	holds_password(object.get(keys, name, null))
}

unknown[file] contains declared.error if {
	some file in files
	declared.error != ""
}

unknown[path] contains project.error if {
	some path, project in projects
	project.error != ""
}

state := object.get(input.repository, "state", {"declared": {"there": false, "error": "", "content": {}}, "projects": {}})

declared := state.declared

# The file that says so is asked for where there are projects.
files := {"stacks/state.yaml" | count(projects) > 0}

projects := state.projects

environments := found if {
	found := declared.content.environments
	is_object(found)
} else := {}

# Environment -> what encrypts the secrets in its state.
keys := found if {
	found := declared.content.secrets
	is_object(found)
} else := {}

# Who says where state is kept -> where.
places := object.union(
	{sprintf("stacks/state.yaml: %v", [name]): place | some name, place in environments},
	{path: place | some path, project in projects; place := object.get(project, "backend", null); place != null},
)

on_this_machine(place) if regex.match("^file(:.*)?$", sprintf("%v", [place]))

in_the_country(place) if {
	is_string(place)
	startswith(place, "s3://")
	names_region(place)
}

# A key is named by its alias or id, with a region beside it, or by its ARN.
of_the_country(key) if {
	is_string(key)
	startswith(key, "awskms://")
	not contains(key, ":kms:")
	names_region(key)
}

of_the_country(key) if {
	is_string(key)
	plainly_there(key)
	some part in regex.find_n(`^awskms:///arn:aws[a-z-]*:kms:[a-z0-9-]+:`, key, 1)
	split(part, ":")[4] in input.parameters.allowed_regions
}

holds_password(address) if {
	is_string(address)
	regex.match("://[^/:@]*:[^/@]+@", address)
}

# No setting leads elsewhere, and none is written in escapes or behind a mark at which whoever opens the address stops reading.
plainly_there(address) if not regex.match(`[#%]|(endpoint|accelerate)=`, address)

names_region(address) if {
	plainly_there(address)
	regions := {regex.replace(part, "^.region=", "") | some part in regex.find_n(`[?&]region=[^&]*`, address, -1)}
	count(regions) > 0
	count(regions - {one | some one in input.parameters.allowed_regions}) == 0
}
