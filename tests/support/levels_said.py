"""What a node says of how far it is, in one line."""

from __future__ import annotations

from node.chain.level import Level


def level_at(height: int, *reaches: str, voters: str = "00" * 32, asker_votes: bool = False) -> Level:
    """Of a node that does not vote, and reaches these voters."""
    return Level(
        height=height, last=height, term=1, votes=False, voters=voters, reaches=reaches, asker_votes=asker_votes
    )
