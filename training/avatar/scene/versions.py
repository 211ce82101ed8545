"""Versions of the scene. Pictures of different versions do not belong into one data set."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SceneVersion:
    """What a version draws.

    follow: how much of the head's rotation the shoulders take over, 0…1. breath: how far shoulders rise above the rest
    of the body for each centimetre that it moves up. tongue: whether its tip rises for /l t d n/ and comes out for
    /th/. skin, teeth: whether skin has texture, and teeth have gaps.
    """

    name: str
    follow: float = 0.0
    breath: float = 0.0
    tongue: bool = False
    skin: bool = False
    teeth: bool = False


VERSIONS = {
    version.name: version
    for version in (
        SceneVersion("v1"),  # the sets that the first alex and mia were trained on
        SceneVersion("v2", follow=0.15, breath=0.35, tongue=True, skin=True, teeth=True),
    )
}
LATEST = "v2"
