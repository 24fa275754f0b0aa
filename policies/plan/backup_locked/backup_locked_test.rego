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
