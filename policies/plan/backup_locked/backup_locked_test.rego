package falaj.plan.backup_locked_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.backup_locked as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_locked_by_name if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:backup/vault:Vault::v"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/vault:Vault::v", "type": "aws:backup/vault:Vault", "name": "v", "op": "create", "custom": true, "inputs": {"name": "falaj", "kmsKeyArn": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/vaultLockConfiguration:VaultLockConfiguration::l", "type": "aws:backup/vaultLockConfiguration:VaultLockConfiguration", "name": "l", "op": "create", "custom": true, "inputs": {"backupVaultName": "falaj", "minRetentionDays": 35}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_no_lock_no_key if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:backup/vault:Vault::v"},
		"fail": {"urn:pulumi:prod::app::aws:backup/vault:Vault::v": {"it is not encrypted with a key of ours", "no lock belongs to this vault"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/vault:Vault::v", "type": "aws:backup/vault:Vault", "name": "v", "op": "create", "custom": true, "inputs": {"name": "falaj"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_lock_from_nowhere if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:backup/vault:Vault::v"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:backup/vault:Vault::v": {"a lock does not say yet which vault it belongs to"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/vault:Vault::v", "type": "aws:backup/vault:Vault", "name": "v", "op": "create", "custom": true, "inputs": {"name": "falaj", "kmsKeyArn": "k"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/vaultLockConfiguration:VaultLockConfiguration::l", "type": "aws:backup/vaultLockConfiguration:VaultLockConfiguration", "name": "l", "op": "create", "custom": true, "inputs": {"backupVaultName": {"__falaj__": "unknown"}, "minRetentionDays": 35}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_lock_of_a_day if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:backup/vault:Vault::v"},
		"fail": {"urn:pulumi:prod::app::aws:backup/vault:Vault::v": {"its lock holds for 1 days; 35 are needed"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/vault:Vault::v", "type": "aws:backup/vault:Vault", "name": "v", "op": "create", "custom": true, "inputs": {"name": "falaj", "kmsKeyArn": "k"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/vaultLockConfiguration:VaultLockConfiguration::l", "type": "aws:backup/vaultLockConfiguration:VaultLockConfiguration", "name": "l", "op": "create", "custom": true, "inputs": {"backupVaultName": "falaj", "minRetentionDays": 1}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_lock_of_unknown_length if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:backup/vault:Vault::v"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:backup/vault:Vault::v": {"how long its lock holds is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:backup/vault:Vault::v", "type": "aws:backup/vault:Vault", "name": "v", "op": "create", "custom": true, "inputs": {"name": "falaj", "kmsKeyArn": "k"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"backupVaultName": ["urn:pulumi:prod::app::aws:backup/vault:Vault::v"]}, "urn": "urn:pulumi:prod::app::aws:backup/vaultLockConfiguration:VaultLockConfiguration::l", "type": "aws:backup/vaultLockConfiguration:VaultLockConfiguration", "name": "l", "op": "create", "custom": true, "inputs": {"backupVaultName": {"__falaj__": "unknown"}, "minRetentionDays": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

twins := [
	given.resource("aws:backup/vault:Vault", "one", {"name": "falaj", "kmsKeyArn": "k"}),
	given.resource("aws:backup/vault:Vault", "two", {"name": "falaj", "kmsKeyArn": "k"}),
]

lock(name) := given.resource("aws:backup/vaultLockConfiguration:VaultLockConfiguration", name, {"backupVaultName": "falaj", "minRetentionDays": 35})

test_allowed_two_vaults_of_one_name_each_with_a_lock_that_refers_to_it if {
	answer == {
		"judged": {given.urn("aws:backup/vault:Vault", "one"), given.urn("aws:backup/vault:Vault", "two")},
		"fail": {},
		"unknown": {},
	} with input as given.plan(array.concat(twins, [
		given.referring(lock("one"), {"backupVaultName": [["aws:backup/vault:Vault", "one"]]}),
		given.referring(lock("two"), {"backupVaultName": [["aws:backup/vault:Vault", "two"]]}),
	]))
}

test_denied_a_lock_with_the_name_of_two_vaults_is_not_that_of_both if {
	answer == {
		"judged": {given.urn("aws:backup/vault:Vault", "one"), given.urn("aws:backup/vault:Vault", "two")},
		"fail": {given.urn("aws:backup/vault:Vault", "two"): {"no lock belongs to this vault"}},
		"unknown": {},
	} with input as given.plan(array.concat(twins, [lock("lock")]))
}
