# METADATA
# title: A backup cannot be deleted before its time
# description: |
#   A vault has a key of ours and a lock: who takes over an account deletes its backups first.
# custom:
#   check: C16
#   severity: high
#   level: mandatory
#   unknown: deny
#   subjects: ["aws:backup/vault:Vault"]
#   reads: ["aws:backup/vaultLockConfiguration:VaultLockConfiguration"]
#   evidence: the plan and its decision
#   since: "2026-11-23"
#   effective_on: "2026-01-01"
#   controls: {iso27001: [A.8.13], gdpr: ["32(1)(c)"], uae_pdpl: ["20"]}
#   remediation: Set kmsKeyArn and add a VaultLockConfiguration with minRetentionDays.
#   runbook: gate_denied
package falaj.plan.backup_locked

import rego.v1

import data.falaj.lib.plan

judged contains vault.urn if some vault in vaults

fail[vault.urn] contains "no lock belongs to this vault" if {
	some vault in vaults
	not vault.urn in locked
	count(adrift) == 0
}

fail[vault.urn] contains "it is not encrypted with a key of ours" if {
	some vault in vaults
	object.get(vault.inputs, "kmsKeyArn", null) == null
}

fail[urn] contains sprintf("its lock holds for %v days; %v are needed", [days, input.parameters.backups.minimum_days]) if {
	some [urn, lock] in locks_of
	days := shortest(lock)
	is_number(days)
	days < input.parameters.backups.minimum_days
}

fail[urn] contains sprintf("how long its lock holds is no number: %v", [shortest(lock)]) if {
	some [urn, lock] in locks_of
	plan.misread(shortest(lock))
}

unknown[vault.urn] contains "a lock does not say yet which vault it belongs to" if {
	some vault in vaults
	not vault.urn in locked
	count(adrift) > 0
}

unknown[urn] contains "how long its lock holds is not known before an apply" if {
	some [urn, lock] in locks_of
	plan.hidden(shortest(lock))
}

vaults := plan.of_type("aws:backup/vault:Vault")

locks := plan.of_type("aws:backup/vaultLockConfiguration:VaultLockConfiguration")

named[vault.inputs.name] contains vault.urn if {
	some vault in vaults
	is_string(vault.inputs.name)
}

# Of several vaults of one name the lock is that of the first, unless it refers to one.
first_named := {name: min(found) | some name, found in named}

owners(lock) := referred if {
	referred := plan.referred_of(lock, "backupVaultName", {"aws:backup/vault:Vault"})
	count(referred) > 0
} else := {urn | urn := first_named[lock.inputs.backupVaultName]}

locks_of contains [urn, lock.urn] if {
	some lock in locks
	some urn in owners(lock)
}

locked contains urn if some [urn, _] in locks_of

adrift contains lock.urn if {
	some lock in locks
	plan.hidden(lock.inputs.backupVaultName)
	count(owners(lock)) == 0
}

shortest(lock) := or_none(plan.at(plan.get(lock).inputs, ["minRetentionDays"]))

or_none(days) := 0 if days == null

or_none(days) := days if days != null
