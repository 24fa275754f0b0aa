"""The page that travels with an evidence folder."""

GUIDE = """# How to check this folder

Evidence of the environment `{environment}`, made {created}. Signed by the key with fingerprint

    {fingerprint}

The folder needs no network, no account and none of the machines that made it.

1. Get the fingerprint above from its owner by another way than this folder: anyone can make a folder and sign it with a key
   of their own. Then, with Falaj installed:

       falaj audit verify FOLDER --key FINGERPRINT

   It checks the signature, every file against `manifest.json`, the chain of the audit log, that each decision is about the
   plan beside it and each apply about its decision, and runs the recorded decisions again with the rules in `policies/`.
   Exit code 0: all holds. 3: something was altered, missing or added; the first such thing is named.

2. Without Falaj, the signature and the digests can be checked with common tools:

       openssl pkeyutl -verify -pubin -inkey public_key.pem -rawin -in manifest.json -sigfile signature.ed25519
       sha256sum FILE      # must equal the digest of FILE in manifest.json

What it does not show: that nothing happened beside the platform, and that the machine that signed was itself sound. Mappings
of rules to laws and standards are the project's own judgement and no certification.
"""
