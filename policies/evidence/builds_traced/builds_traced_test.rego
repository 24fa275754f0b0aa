package falaj.evidence.builds_traced_test

import rego.v1

import data.falaj.evidence.builds_traced as rule
import data.falaj.lib.testing_test as given

answer := {
	"judged": {subject | some subject in rule.judged},
	"fail": {subject: why | some subject, why in rule.fail},
	"unknown": {subject: what | some subject, what in rule.unknown},
}

test_allowed_a_fresh_one if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({}, {})
}

test_allowed_an_older_one_beside_it if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/main", "repository": "git+https://github.com/your-organisation/falaj", "commit": "cccccccccccccccccccccccccccccccccccccccc", "clean": true}]}, "file": "build_provenance.json", "signed": true, "why": ""}, {"at": "2020-01-01T00:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": false, "why": "nobody has said how it was built", "by": "", "builder": "", "repository": "", "commit": "", "clean": null}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_allowed_a_commit_of_sha_256 if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/main", "repository": "git+https://github.com/your-organisation/falaj", "commit": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", "clean": true}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_allowed_one_of_others_that_somebody_answers_for if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/main", "repository": "git+https://github.com/your-organisation/falaj", "commit": "cccccccccccccccccccccccccccccccccccccccc", "clean": true}, {"digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "reviewed": "reviewed by ml-platform until 2026-03-31", "verified": false, "why": "nobody has said how it was built", "by": "", "builder": "", "repository": "", "commit": "", "clean": null}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_denied_none if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {"build_provenance": {"there is no such document"}},
		"unknown": {},
	} with input as given.evidence({"build_provenance": []}, {})
}

test_denied_years_ago if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {"build_provenance": {"the newest is of 2021-01-01T00:00:00Z, more than 31 days ago"}},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2021-01-01T00:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/main", "repository": "git+https://github.com/your-organisation/falaj", "commit": "cccccccccccccccccccccccccccccccccccccccc", "clean": true}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody_signed_it if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {"build_provenance": {"that of 2025-12-31T12:00:00Z cannot be trusted: nobody has signed it"}},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/main", "repository": "git+https://github.com/your-organisation/falaj", "commit": "cccccccccccccccccccccccccccccccccccccccc", "clean": true}]}, "file": "build_provenance.json", "signed": false, "why": "nobody has signed it"}]}, {})
}

test_denied_tomorrow if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {"build_provenance": {"it says that it was on 2026-01-02T12:00:00Z, which is still to come"}},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2026-01-02T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/main", "repository": "git+https://github.com/your-organisation/falaj", "commit": "cccccccccccccccccccccccccccccccccccccccc", "clean": true}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_denied_no_image if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {"build_provenance": {"it names no image"}},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": []}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_denied_a_tag if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {"build_provenance": {"an image is not named by its digest"}},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "latest", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/main", "repository": "git+https://github.com/your-organisation/falaj", "commit": "cccccccccccccccccccccccccccccccccccccccc", "clean": true}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_denied_nobody_said_how_it_was_built if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {"build_provenance": {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa is not traced: nobody has said how it was built"}},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": false, "why": "nobody has said how it was built", "by": "", "builder": "", "repository": "", "commit": "", "clean": null}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_denied_one_of_others_for_which_nobody_answers if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {"build_provenance": {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa is not traced: nobody has said how it was built"}},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": " ", "verified": false, "why": "nobody has said how it was built", "by": "", "builder": "", "repository": "", "commit": "", "clean": null}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_denied_by_a_machine_that_nobody_named if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {"build_provenance": {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa was built by urn:falaj:builder:unnamed, who builds nothing of ours"}},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "urn:falaj:builder:unnamed", "repository": "git+https://github.com/your-organisation/falaj", "commit": "cccccccccccccccccccccccccccccccccccccccc", "clean": true}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_denied_by_a_workflow_of_another_branch if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {"build_provenance": {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa was built by https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/maintenance, who builds nothing of ours"}},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/maintenance", "repository": "git+https://github.com/your-organisation/falaj", "commit": "cccccccccccccccccccccccccccccccccccccccc", "clean": true}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_denied_from_a_fork if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {"build_provenance": {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa was built from git+https://github.com/somebody/falaj, which is no repository of ours"}},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/main", "repository": "git+https://github.com/somebody/falaj", "commit": "cccccccccccccccccccccccccccccccccccccccc", "clean": true}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_denied_from_a_branch if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {"build_provenance": {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa was built from main, which is no commit"}},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/main", "repository": "git+https://github.com/your-organisation/falaj", "commit": "main", "clean": true}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_denied_from_a_checkout_with_changes if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {"build_provenance": {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa was built from a checkout that had been changed"}},
		"unknown": {},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/main", "repository": "git+https://github.com/your-organisation/falaj", "commit": "cccccccccccccccccccccccccccccccccccccccc", "clean": false}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_file_that_cannot_be_read if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {},
		"unknown": {"build_provenance": {"it may be x.json, which cannot be read: it is not a JSON object"}},
	} with input as given.evidence({"build_provenance": []}, {"x.json": "it is not a JSON object"})
}

test_unknown_no_moment if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {},
		"unknown": {"build_provenance": {"its moment is no date"}},
	} with input as given.evidence({"build_provenance": [{"at": "lately", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/main", "repository": "git+https://github.com/your-organisation/falaj", "commit": "cccccccccccccccccccccccccccccccccccccccc", "clean": true}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_unknown_a_fact_is_missing if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {},
		"unknown": {"build_provenance": {"it does not say images"}},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": null}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_unknown_an_entry_that_is_no_image if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {},
		"unknown": {"build_provenance": {"an entry of it is no image"}},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": "", "verified": true, "why": "", "by": "signed by build", "builder": "https://github.com/your-organisation/falaj/.github/workflows/images.yml@refs/heads/main", "repository": "git+https://github.com/your-organisation/falaj", "commit": "cccccccccccccccccccccccccccccccccccccccc", "clean": true}, "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_unknown_nobody_looked if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {},
		"unknown": {"build_provenance": {"whether sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa is traced is not said"}},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_unknown_it_was_verified_and_nothing_of_it_is_known if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {},
		"unknown": {"build_provenance": {"of sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa it does not say builder", "of sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa it does not say commit", "of sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa it does not say repository", "of sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa it does not say whether the checkout had been changed"}},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "reviewed": null, "verified": true, "why": "", "by": "signed by build", "builder": null, "repository": null, "commit": null, "clean": null}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}

test_unknown_it_was_verified_and_says_nothing if {
	answer == {
		"judged": {"build_provenance"},
		"fail": {},
		"unknown": {"build_provenance": {"of sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa it does not say builder", "of sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa it does not say commit", "of sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa it does not say repository", "of sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa it does not say whether the checkout had been changed"}},
	} with input as given.evidence({"build_provenance": [{"at": "2025-12-31T12:00:00Z", "by": "somebody", "facts": {"images": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "verified": true}]}, "file": "build_provenance.json", "signed": true, "why": ""}]}, {})
}
