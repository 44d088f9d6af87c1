"""The text that CLIP reads: captions cleaned as OpenAI's program cleans them before byte-pair encoding."""

import html
import re
from importlib import import_module
from typing import Any

from mardm_batch.errors import ConfigurationError


def clean_caption(caption: str) -> str:
    """Mended encoding, plain quotation marks, ligatures and widths (ftfy), HTML entities resolved twice, white space
    made single blanks, small letters.

    Raises:
        ConfigurationError: the package ftfy is not installed.
    """
    mended = html.unescape(html.unescape(_ftfy().fix_text(caption)))
    return re.sub(r"\s+", " ", mended).strip().lower()


def _ftfy() -> Any:
    try:
        return import_module("ftfy")
    except ImportError as error:
        raise ConfigurationError('CLIP: needs the package ftfy; pip install "mardm-batch[clip]"') from error
