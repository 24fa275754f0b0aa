package falaj.plan.stores_closed_test

import rego.v1

import data.falaj.lib.testing_test as given
import data.falaj.plan.stores_closed as rule

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_policy_that_denies_both if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {"fileSystemId": {"__falaj__": "unknown"}, "policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"TlsOnly\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": \"elasticfilesystem:*\", \"Resource\": \"*\", \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"false\"}}}, {\"Sid\": \"NoRoot\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": [\"elasticfilesystem:ClientRootAccess\"], \"Resource\": [\"*\"]}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_one_that_lets_some_in_on_a_condition if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{
			"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {
				"fileSystemId": {"__falaj__": "unknown"},
				"policy": `{"Version": "2012-10-17", "Statement": [{"Sid": "TlsOnly", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "elasticfilesystem:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}, {"Sid": "NoRoot", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": ["elasticfilesystem:ClientRootAccess"], "Resource": ["*"]}, {"Sid": "Mounts", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"], "Resource": "*", "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}}, {"Sid": "One", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::333333333333:role/nodes"}, "Action": ["elasticfilesystem:ClientMount"], "Resource": "*"}]}`,
			},
			"provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::",
		},
	])
}

test_allowed_a_database_inside_over_tls if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:rds/instance:Instance::b"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {"parameterGroupName": ["urn:pulumi:prod::app::aws:rds/parameterGroup:ParameterGroup::g"]}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::b", "type": "aws:rds/instance:Instance", "name": "b", "op": "create", "custom": true, "inputs": {"identifier": "b", "parameterGroupName": {"__falaj__": "unknown"}, "publiclyAccessible": false}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:rds/parameterGroup:ParameterGroup::g", "type": "aws:rds/parameterGroup:ParameterGroup", "name": "g", "op": "create", "custom": true, "inputs": {"family": "postgres17", "parameters": [{"name": "log_connections", "value": "1"}, {"name": "rds.force_ssl", "value": "1"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_allowed_two_policies_which_together_deny_both if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {"fileSystemId": {"__falaj__": "unknown"}, "policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"TlsOnly\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": \"*\", \"Resource\": \"*\", \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"false\"}}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::q", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "q", "op": "create", "custom": true, "inputs": {"fileSystemId": {"__falaj__": "unknown"}, "policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"NoRoot\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": \"elasticfilesystem:Client*\", \"Resource\": [\"*\"]}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_no_policy if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f": {"no policy belongs to this file system"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_another_file_system_s_policy if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::g"},
		"fail": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f": {"no policy belongs to this file system"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::g", "type": "aws:efs/fileSystem:FileSystem", "name": "g", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::g"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {"fileSystemId": {"__falaj__": "unknown"}, "policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"TlsOnly\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": \"elasticfilesystem:*\", \"Resource\": \"*\", \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"false\"}}}, {\"Sid\": \"NoRoot\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": [\"elasticfilesystem:ClientRootAccess\"], \"Resource\": [\"*\"]}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_no_json if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f": {"no statement denies everybody access as root", "no statement denies everybody what comes without TLS", "the policy is not a JSON object"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {"fileSystemId": {"__falaj__": "unknown"}, "policy": "no"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_tls_is_asked_of_nobody if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f": {"no statement denies everybody what comes without TLS"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {"fileSystemId": {"__falaj__": "unknown"}, "policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"NoRoot\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": [\"elasticfilesystem:ClientRootAccess\"], \"Resource\": [\"*\"]}, {\"Sid\": \"TlsOnly\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": \"elasticfilesystem:*\", \"Resource\": \"*\", \"Condition\": {}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_tls_is_asked_of_one_role_alone if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f": {"no statement denies everybody what comes without TLS"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {"fileSystemId": {"__falaj__": "unknown"}, "policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"NoRoot\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": [\"elasticfilesystem:ClientRootAccess\"], \"Resource\": [\"*\"]}, {\"Sid\": \"TlsOnly\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"arn:aws:iam::333333333333:role/nodes\"}, \"Action\": \"elasticfilesystem:*\", \"Resource\": \"*\", \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"false\"}}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_root_is_denied_on_a_condition_only if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f": {"no statement denies everybody access as root"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {"fileSystemId": {"__falaj__": "unknown"}, "policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"TlsOnly\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": \"elasticfilesystem:*\", \"Resource\": \"*\", \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"false\"}}}, {\"Sid\": \"NoRoot\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": [\"elasticfilesystem:ClientRootAccess\"], \"Resource\": [\"*\"], \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"false\"}}}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_denials_that_are_allowances if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f": {"no statement denies everybody access as root", "no statement denies everybody what comes without TLS", "statement NoRoot lets everybody in", "statement TlsOnly lets everybody in"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {"fileSystemId": {"__falaj__": "unknown"}, "policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"TlsOnly\", \"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": \"elasticfilesystem:*\", \"Resource\": \"*\", \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"false\"}}}, {\"Sid\": \"NoRoot\", \"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": [\"elasticfilesystem:ClientRootAccess\"], \"Resource\": [\"*\"]}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_denial_for_a_folder_of_its_own if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f": {"no statement denies everybody access as root"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {"fileSystemId": {"__falaj__": "unknown"}, "policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"TlsOnly\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": \"elasticfilesystem:*\", \"Resource\": \"*\", \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"false\"}}}, {\"Sid\": \"NoRoot\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": [\"elasticfilesystem:ClientRootAccess\"], \"Resource\": \"arn:aws:elasticfilesystem:me-central-1:333333333333:file-system/fs-2\"}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_database_with_a_public_address if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:rds/instance:Instance::b"},
		"fail": {"urn:pulumi:prod::app::aws:rds/instance:Instance::b": {"it has a public address"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {"parameterGroupName": ["urn:pulumi:prod::app::aws:rds/parameterGroup:ParameterGroup::g"]}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::b", "type": "aws:rds/instance:Instance", "name": "b", "op": "create", "custom": true, "inputs": {"identifier": "b", "parameterGroupName": {"__falaj__": "unknown"}, "publiclyAccessible": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:rds/parameterGroup:ParameterGroup::g", "type": "aws:rds/parameterGroup:ParameterGroup", "name": "g", "op": "create", "custom": true, "inputs": {"family": "postgres17", "parameters": [{"name": "rds.force_ssl", "value": "1"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_database_whose_parameters_let_plain_text_in if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:rds/instance:Instance::b"},
		"fail": {"urn:pulumi:prod::app::aws:rds/instance:Instance::b": {"no parameters of this plan refuse whoever comes without TLS"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {"parameterGroupName": ["urn:pulumi:prod::app::aws:rds/parameterGroup:ParameterGroup::g"]}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::b", "type": "aws:rds/instance:Instance", "name": "b", "op": "create", "custom": true, "inputs": {"identifier": "b", "parameterGroupName": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:rds/parameterGroup:ParameterGroup::g", "type": "aws:rds/parameterGroup:ParameterGroup", "name": "g", "op": "create", "custom": true, "inputs": {"family": "postgres17", "parameters": [{"name": "rds.force_ssl", "value": "0"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_a_database_with_the_provider_s_own_parameters if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:rds/instance:Instance::b"},
		"fail": {"urn:pulumi:prod::app::aws:rds/instance:Instance::b": {"no parameters of this plan refuse whoever comes without TLS"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::b", "type": "aws:rds/instance:Instance", "name": "b", "op": "create", "custom": true, "inputs": {"identifier": "b", "parameterGroupName": "default.postgres17"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_everybody_may_mount if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f": {"statement Mounts lets everybody in"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {"fileSystemId": {"__falaj__": "unknown"}, "policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"TlsOnly\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": \"elasticfilesystem:*\", \"Resource\": \"*\", \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"false\"}}}, {\"Sid\": \"NoRoot\", \"Effect\": \"Deny\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": [\"elasticfilesystem:ClientRootAccess\"], \"Resource\": [\"*\"]}, {\"Sid\": \"Mounts\", \"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"*\"}, \"Action\": [\"elasticfilesystem:ClientMount\"], \"Resource\": \"*\"}]}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_whether_a_database_has_a_public_address if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:rds/instance:Instance::b"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:rds/instance:Instance::b": {"whether it has a public address is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {"parameterGroupName": ["urn:pulumi:prod::app::aws:rds/parameterGroup:ParameterGroup::g"]}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::b", "type": "aws:rds/instance:Instance", "name": "b", "op": "create", "custom": true, "inputs": {"identifier": "b", "parameterGroupName": {"__falaj__": "unknown"}, "publiclyAccessible": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:rds/parameterGroup:ParameterGroup::g", "type": "aws:rds/parameterGroup:ParameterGroup", "name": "g", "op": "create", "custom": true, "inputs": {"family": "postgres17", "parameters": [{"name": "rds.force_ssl", "value": "1"}]}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_whose_parameters_a_database_has if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:rds/instance:Instance::b"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:rds/instance:Instance::b": {"its parameters are not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::b", "type": "aws:rds/instance:Instance", "name": "b", "op": "create", "custom": true, "inputs": {"identifier": "b", "parameterGroupName": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_what_the_parameters_of_a_database_are if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:rds/instance:Instance::b"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:rds/instance:Instance::b": {"its parameters are not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {"parameterGroupName": ["urn:pulumi:prod::app::aws:rds/parameterGroup:ParameterGroup::g"]}, "urn": "urn:pulumi:prod::app::aws:rds/instance:Instance::b", "type": "aws:rds/instance:Instance", "name": "b", "op": "create", "custom": true, "inputs": {"identifier": "b", "parameterGroupName": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:rds/parameterGroup:ParameterGroup::g", "type": "aws:rds/parameterGroup:ParameterGroup", "name": "g", "op": "create", "custom": true, "inputs": {"family": "postgres17", "parameters": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_policy_that_nobody_can_read if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f": {"the policy document is not known before an apply"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {"fileSystemId": {"__falaj__": "unknown"}, "policy": {"__falaj__": "unknown"}}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_unknown_a_policy_of_who_knows_what if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {},
		"unknown": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f": {"a policy does not say yet which file system it belongs to"}},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {"fileSystemId": {"__falaj__": "unknown"}, "policy": "{}"}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
	])
}

test_denied_everybody_may_do_more_than_mount_on_a_condition if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f": {"statement Mounts lets everybody do more than mount and write"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{
			"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {
				"fileSystemId": {"__falaj__": "unknown"},
				"policy": `{"Version": "2012-10-17", "Statement": [{"Sid": "TlsOnly", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "elasticfilesystem:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}, {"Sid": "NoRoot", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": ["elasticfilesystem:ClientRootAccess"], "Resource": ["*"]}, {"Sid": "Mounts", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:DeleteFileSystem"], "Resource": "*", "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}}, {"Sid": "One", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::333333333333:role/nodes"}, "Action": ["elasticfilesystem:ClientMount"], "Resource": "*"}]}`,
			},
			"provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::",
		},
	])
}

test_denied_everybody_may_do_all_but_one_thing_on_a_condition if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f": {"statement Mounts lets everybody do more than mount and write"}},
		"unknown": {},
	} with input as given.plan([
		{"property_dependencies": {}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f", "type": "aws:efs/fileSystem:FileSystem", "name": "f", "op": "create", "custom": true, "inputs": {"encrypted": true}, "provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::"},
		{
			"property_dependencies": {"fileSystemId": ["urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"]}, "urn": "urn:pulumi:prod::app::aws:efs/fileSystemPolicy:FileSystemPolicy::p", "type": "aws:efs/fileSystemPolicy:FileSystemPolicy", "name": "p", "op": "create", "custom": true, "inputs": {
				"fileSystemId": {"__falaj__": "unknown"},
				"policy": `{"Version": "2012-10-17", "Statement": [{"Sid": "TlsOnly", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "elasticfilesystem:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}, {"Sid": "NoRoot", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": ["elasticfilesystem:ClientRootAccess"], "Resource": ["*"]}, {"Sid": "Mounts", "Effect": "Allow", "Principal": {"AWS": "*"}, "NotAction": ["elasticfilesystem:ClientRootAccess"], "Resource": "*", "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}}, {"Sid": "One", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::333333333333:role/nodes"}, "Action": ["elasticfilesystem:ClientMount"], "Resource": "*"}]}`,
			},
			"provider": "urn:pulumi:prod::app::pulumi:providers:aws::aws::",
		},
	])
}

test_denied_only_of_one_account_is_tls_asked if {
	answer == {
		"judged": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f"},
		"fail": {"urn:pulumi:prod::app::aws:efs/fileSystem:FileSystem::f": {"no statement denies everybody what comes without TLS"}},
		"unknown": {},
	} with input as given.plan([
		given.resource("aws:efs/fileSystem:FileSystem", "f", {"encrypted": true}),
		given.referring(given.resource("aws:efs/fileSystemPolicy:FileSystemPolicy", "p", {"fileSystemId": given.unknown, "policy": `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "elasticfilesystem:ClientRootAccess", "Resource": "*"}, {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:PrincipalAccount": "999999999999"}}}]}`}), {"fileSystemId": [["aws:efs/fileSystem:FileSystem", "f"]]}),
	])
}
