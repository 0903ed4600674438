"""Who may read which setting of a generation, as its creator says it, and what follows from that.

A prompt that is withheld while the seed is public can be guessed: whoever generates the guess with the same seed and
settings is told that the picture is recorded. So who withholds the prompt, or the negative one, and says nothing of the
seed withholds that too, from all but those who may read what is withheld. `Client.generate` sends what this makes of
it, and the command shows that first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ledger.errors import Code
from ledger.generation import READERS_MAX, WithheldSetting
from ledger.names import AccountName
from remarque.errors import NodeCode, RemarqueError

PROMPTS, SEED = ("prompt", "negative_prompt"), "seed"
IN_CLEAR = ("width", "height")
"""Settings that the record of each picture states, whoever may read their openings."""


def withheld_settings(withheld: Mapping[str, Sequence[str]], *, confidential: bool) -> tuple[WithheldSetting, ...]:
    """What a request says is withheld, with the accounts that may read each: for nobody else, none.

    Of a confidential picture all that is not named is withheld from all already. REQUEST_MALFORMED if a reader is no
    account, READERS_FULL if there are too many.
    """
    said = {field: checked_readers(readers) for field, readers in withheld.items()}
    hidden = [said[prompt] for prompt in PROMPTS if prompt in said]
    if hidden and not confidential:
        said.setdefault(SEED, tuple(one for one in hidden[0] if one in hidden[-1]))
    return tuple(WithheldSetting(field=field, readers=readers) for field, readers in said.items())


def checked_readers(readers: Iterable[str]) -> tuple[str, ...]:
    """Accounts by name, each once. REQUEST_MALFORMED if one is none, READERS_FULL if there are more than may be."""
    named = tuple(dict.fromkeys(readers))
    for one in named:
        if not _is_account(one):
            detail = f"{one!r} is no account; write one as nadia@agency, in small letters and without spaces"
            raise RemarqueError(NodeCode.REQUEST_MALFORMED.name, detail)
    if len(named) > READERS_MAX:
        fact = f"{len(named)} accounts are named, and a setting is open to {READERS_MAX} by name at most"
        raise RemarqueError(Code.READERS_FULL.name, f"{fact}; name fewer, or let everybody read it")
    return named


def _is_account(name: str) -> bool:
    try:
        msgspec.convert(name, AccountName)
    except msgspec.ValidationError:
        return False
    return True
