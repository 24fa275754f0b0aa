"""Whether an account has switched on its region: one that is off answers every call as if the credentials were wrong, so that is asked first."""

from __future__ import annotations

from collections.abc import Callable

from falaj.errors import Fault, UsageError

_READY = ("ENABLED", "ENABLED_BY_DEFAULT")
Ask = Callable[[str], str]
"""Region -> what AWS says of it for the account of the credentials at hand: ENABLED, ENABLED_BY_DEFAULT, ENABLING, DISABLING or DISABLED."""


def require_switched_on(region: str, *, ask: Ask | None = None) -> None:
    """Raise UsageError, naming the command that switches it on, unless the account may use `region`.

    Raises Fault where AWS does not say: no credentials, or a role that may not ask.
    """
    said = (ask or _asked)(region)
    if said in _READY:
        return
    coming = said == "ENABLING"
    raise UsageError(
        f"region {region} is not switched on in this account",
        given=f"AWS says {said}",
        allowed=" or ".join(_READY),
        why="it is one that has to be switched on, for each account; until then its services take the best credentials for wrong ones (InvalidClientTokenId)",
        next="wait some minutes and run this again" if coming else f"aws account enable-region --region-name {region}, then wait until it is ENABLED",
    )


def _asked(region: str) -> str:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        # Regions are switched on in one place of the world, whatever region one works in.
        return boto3.client("account", region_name="us-east-1").get_region_opt_status(RegionName=region)["RegionOptStatus"]
    except (BotoCoreError, ClientError) as problem:
        raise Fault(
            f"nobody says whether region {region} is switched on",
            why=str(problem),
            next="sign in to the environment's account, as somebody who may ask account:GetRegionOptStatus",
        ) from problem
