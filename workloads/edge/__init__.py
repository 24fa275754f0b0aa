"""One folder that serves a release where there is no cluster: code, locked requirements, release, systemd unit, and a signature over all."""
