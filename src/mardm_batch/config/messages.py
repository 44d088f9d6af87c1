"""Hydra's and OmegaConf's messages about a mistake, as one line that names key, value and what is allowed."""

import re


def one_line(error: Exception) -> str:
    """Hydra's and OmegaConf's messages in one line: with the cause where it says more, without the search path."""
    text = f"{error}\n{error.__cause__ or ''}".partition("Config search path")[0]
    key = re.search(r"full_key: (\S+)", text)
    text = f"{key[1]}: {text}" if key and key[1] not in text.partition("\n")[0] else text
    text = re.sub(r"(full_key|object_type|reference_type)[:=].*", "", text)
    text = re.sub(r":\n\t", ": ", text).replace("\n\t", ", ")
    return ". ".join(dict.fromkeys(line.strip().rstrip(".") for line in text.splitlines() if line.strip()))
