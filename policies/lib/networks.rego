# METADATA
# title: Networks
# description: How wide a network may be that somebody may come in from or go out to, and which networks are nobody's on the internet.
package falaj.lib.networks

import rego.v1

# No wider than the environment's bound. What has no prefix, or is no text, is as wide as can be.
narrow(cidr) if {
	prefix := bits(cidr)
	prefix >= bound(cidr)
}

bits(cidr) := to_number(trim_prefix(found[0], "/")) if {
	is_string(cidr)
	found := regex.find_n("/[0-9]+$", cidr, 1)
	count(found) > 0
}

bound(cidr) := input.parameters.network.widest_ipv6 if contains(cidr, ":")

bound(cidr) := input.parameters.network.widest_ipv4 if not contains(cidr, ":")

# Part of a range that no address of the internet is in.
private(cidr) if {
	prefix := bits(cidr)
	some range, least in ranges
	prefix >= least
	regex.match(range, lower(cidr))
}

# Beginning of the text -> bits that all of such a range have in common.
ranges := {
	`^10\.`: 8,
	`^172\.(1[6-9]|2[0-9]|3[01])\.`: 12,
	`^192\.168\.`: 16,
	`^100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.`: 10,
	`^f[cd][0-9a-f]{2}:`: 8,
}
