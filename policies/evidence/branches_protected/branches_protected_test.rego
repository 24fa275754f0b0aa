package falaj.evidence.branches_protected_test

import rego.v1

import data.falaj.evidence.branches_protected as rule
import data.falaj.lib.testing_test as given

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_fresh_one if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({}, {})
}

test_allowed_an_older_one_beside_it if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main", "reviews": 1, "stale_reviews_dismissed": true, "last_push_reviewed_by_another": true, "force_pushes": false, "deletion": false, "checks": ["test", "gate (dev)", "gate (staging)", "gate (prod)"], "bypass": []}]}, "file": "branch_protection.json", "signed": true, "why": ""}, {"at": "2020-01-01T00:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": []}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_allowed_who_may_pass_by_is_told_to_nobody_but_who_may_change_it if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main", "reviews": 1, "stale_reviews_dismissed": true, "last_push_reviewed_by_another": true, "force_pushes": false, "deletion": false, "checks": ["test", "gate (dev)", "gate (staging)", "gate (prod)"], "bypass": null}]}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_allowed_more_than_is_asked_for_and_another_branch_that_nobody_protects if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main", "reviews": 2, "stale_reviews_dismissed": true, "last_push_reviewed_by_another": true, "force_pushes": false, "deletion": false, "checks": ["test", "gate (dev)", "gate (staging)", "gate (prod)", "more"], "bypass": []}, {"branch": "trial", "reviews": 0, "stale_reviews_dismissed": false, "last_push_reviewed_by_another": false, "force_pushes": true, "deletion": true, "checks": [], "bypass": null}]}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_denied_none if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {"branch_protection": {"there is no such document"}},
		"unknown": {},
	} with input as given.evidence({"branch_protection": []}, {})
}

test_denied_years_ago if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {"branch_protection": {"the newest is of 2021-01-01T00:00:00Z, more than 7 days ago"}},
		"unknown": {},
	} with input as given.evidence({"branch_protection": [{"at": "2021-01-01T00:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main", "reviews": 1, "stale_reviews_dismissed": true, "last_push_reviewed_by_another": true, "force_pushes": false, "deletion": false, "checks": ["test", "gate (dev)", "gate (staging)", "gate (prod)"], "bypass": []}]}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody_signed_it if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {"branch_protection": {"that of 2025-12-31T12:00:00Z cannot be trusted: nobody has signed it"}},
		"unknown": {},
	} with input as given.evidence({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main", "reviews": 1, "stale_reviews_dismissed": true, "last_push_reviewed_by_another": true, "force_pushes": false, "deletion": false, "checks": ["test", "gate (dev)", "gate (staging)", "gate (prod)"], "bypass": []}]}, "file": "branch_protection.json", "signed": false, "why": "nobody has signed it"}]}, {})
}

test_denied_tomorrow if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {"branch_protection": {"it says that it was on 2026-01-02T12:00:00Z, which is still to come"}},
		"unknown": {},
	} with input as given.evidence({"branch_protection": [{"at": "2026-01-02T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main", "reviews": 1, "stale_reviews_dismissed": true, "last_push_reviewed_by_another": true, "force_pushes": false, "deletion": false, "checks": ["test", "gate (dev)", "gate (staging)", "gate (prod)"], "bypass": []}]}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_denied_no_branch if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {"branch_protection": {"it says nothing of main"}},
		"unknown": {},
	} with input as given.evidence({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": []}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_denied_another_branch if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {"branch_protection": {"it says nothing of main"}},
		"unknown": {},
	} with input as given.evidence({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "mainline", "reviews": 1, "stale_reviews_dismissed": true, "last_push_reviewed_by_another": true, "force_pushes": false, "deletion": false, "checks": ["test", "gate (dev)", "gate (staging)", "gate (prod)"], "bypass": []}]}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_denied_another_repository if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {"branch_protection": {"it is about your-organisation/falaj-trial, which is not one of our repositories"}},
		"unknown": {},
	} with input as given.evidence({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj-trial", "branches": [{"branch": "main", "reviews": 1, "stale_reviews_dismissed": true, "last_push_reviewed_by_another": true, "force_pushes": false, "deletion": false, "checks": ["test", "gate (dev)", "gate (staging)", "gate (prod)"], "bypass": []}]}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_denied_a_branch_that_nobody_protects if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {"branch_protection": {"main can be deleted", "main can be written anew by a forced push", "main keeps its reviews when something new is pushed", "main takes a change with 0 reviews, fewer than 1", "main takes a change without the check gate (dev)", "main takes a change without the check gate (prod)", "main takes a change without the check gate (staging)", "main takes a change without the check test", "main takes the review of who pushed last"}},
		"unknown": {},
	} with input as given.evidence({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main", "reviews": 0, "stale_reviews_dismissed": false, "last_push_reviewed_by_another": false, "force_pushes": true, "deletion": true, "checks": [], "bypass": null}]}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_denied_one_check_fewer if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {"branch_protection": {"main takes a change without the check gate (prod)"}},
		"unknown": {},
	} with input as given.evidence({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main", "reviews": 1, "stale_reviews_dismissed": true, "last_push_reviewed_by_another": true, "force_pushes": false, "deletion": false, "checks": ["test", "gate (dev)", "gate (staging)"], "bypass": []}]}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_denied_somebody_may_pass_by if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {"branch_protection": {"main can be passed by RepositoryRole 5"}},
		"unknown": {},
	} with input as given.evidence({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main", "reviews": 1, "stale_reviews_dismissed": true, "last_push_reviewed_by_another": true, "force_pushes": false, "deletion": false, "checks": ["test", "gate (dev)", "gate (staging)", "gate (prod)"], "bypass": ["RepositoryRole 5"]}]}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_file_that_cannot_be_read if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {},
		"unknown": {"branch_protection": {"it may be x.json, which cannot be read: it is not a JSON object"}},
	} with input as given.evidence({"branch_protection": []}, {"x.json": "it is not a JSON object"})
}

test_unknown_no_moment if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {},
		"unknown": {"branch_protection": {"its moment is no date"}},
	} with input as given.evidence({"branch_protection": [{"at": "lately", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main", "reviews": 1, "stale_reviews_dismissed": true, "last_push_reviewed_by_another": true, "force_pushes": false, "deletion": false, "checks": ["test", "gate (dev)", "gate (staging)", "gate (prod)"], "bypass": []}]}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_fact_is_missing if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {},
		"unknown": {"branch_protection": {"it does not say branches", "it does not say repository"}},
	} with input as given.evidence({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": null, "branches": null}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_branch_of_which_nothing_is_said if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {},
		"unknown": {"branch_protection": {"of main it does not say checks", "of main it does not say deletion", "of main it does not say force_pushes", "of main it does not say last_push_reviewed_by_another", "of main it does not say reviews", "of main it does not say stale_reviews_dismissed"}},
	} with input as given.evidence({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main"}]}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_branch_of_which_the_forge_did_not_tell if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {},
		"unknown": {"branch_protection": {"of main it does not say checks", "of main it does not say deletion", "of main it does not say force_pushes", "of main it does not say last_push_reviewed_by_another", "of main it does not say reviews", "of main it does not say stale_reviews_dismissed"}},
	} with input as given.evidence({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main", "reviews": null, "stale_reviews_dismissed": null, "last_push_reviewed_by_another": null, "force_pushes": null, "deletion": null, "checks": null, "bypass": null}]}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

test_unknown_words_where_a_number_a_list_and_a_switch_are_asked_for if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {},
		"unknown": {"branch_protection": {"of main it does not say checks", "of main it does not say deletion", "of main it does not say reviews"}},
	} with input as given.evidence({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main", "reviews": "2", "stale_reviews_dismissed": true, "last_push_reviewed_by_another": true, "force_pushes": false, "deletion": "no", "checks": "test", "bypass": []}]}, "file": "branch_protection.json", "signed": true, "why": ""}]}, {})
}

# Where the parameter asks who may pass by, an answer that leaves it out proves nothing.
asks_who_passes_by(documents) := object.union(given.evidence(documents, {}), {"parameters": object.union(given.parameters, {"branches": object.union(given.parameters.branches, {"bypass_known": true})})})

test_unknown_who_may_pass_by_is_asked_for if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {},
		"unknown": {"branch_protection": {"of main it does not say who may pass by"}},
	} with input as asks_who_passes_by({"branch_protection": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"repository": "your-organisation/falaj", "branches": [{"branch": "main", "reviews": 1, "stale_reviews_dismissed": true, "last_push_reviewed_by_another": true, "force_pushes": false, "deletion": false, "checks": ["test", "gate (dev)", "gate (staging)", "gate (prod)"], "bypass": null}]}, "file": "branch_protection.json", "signed": true, "why": ""}]})
}

test_allowed_nobody_may_pass_by_and_it_is_asked_for if {
	answer == {
		"judged": {"branch_protection"},
		"fail": {},
		"unknown": {},
	} with input as asks_who_passes_by({})
}
