"""The words of a caption as HumanML3D's evaluator reads them: a vector and a class each."""

import pickle
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.errors import InputError, first_line
from mardm_batch.system.files import read_regular

MAX_WORDS: Final = 20
"""Words of a caption that are read."""
LONGEST: Final = MAX_WORDS + 2
"""Words with those that mark the beginning and the end."""
CLASSES: Final = (
    "VERB", "NOUN", "DET", "ADP", "NUM", "AUX", "PRON", "ADJ", "ADV",
    "Loc_VIP", "Body_VIP", "Obj_VIP", "Act_VIP", "Desc_VIP", "OTHER",
)  # fmt: skip
"""Parts of speech, and classes of words that matter for motion; a word of one of these has no part of speech."""
_IMPORTANT: Final = {
    "Loc_VIP": "left right clockwise counterclockwise anticlockwise forward back backward up down straight curve",
    "Body_VIP": "arm chin foot feet face hand mouth leg waist eye knee shoulder thigh",
    "Obj_VIP": "stair dumbbell chair window floor car ball handrail baseball basketball",
    "Act_VIP": "walk run swing pick bring kick put squat throw hop dance jump turn stumble stop sit lift lower raise "
    "wash stand kneel stroll rub bend balance flap jog shuffle lean rotate spin spread climb",
    "Desc_VIP": "slowly carefully fast careful slow quickly happy angry sad happily angrily sadly",
}
_CLASS_OF: Final = {word: name for name, words in _IMPORTANT.items() for word in words.split()}
_UNKNOWN, _OTHER = "unk", "OTHER"
_MAX_BYTES: Final = 2**28


class _PlainUnpickler(pickle.Unpickler):
    """Builds lists, dictionaries, strings and numbers, and nothing that has a class."""

    def find_class(self, module: str, name: str) -> Any:
        """See `pickle.Unpickler.find_class`."""
        raise pickle.UnpicklingError(f"it holds a {module}.{name}")


class WordVectors:
    """Vectors (k, 300) of words, and their rows; the word `unk` stands for those that are not among them."""

    def __init__(self, rows: Mapping[str, int], vectors: NDArray[np.float32]) -> None:
        self.rows, self.vectors = rows, vectors

    def read(self, tokens: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
        """Words with their parts of speech, `person/NOUN`, to vectors (22, 300), classes (22, 15) and a length."""
        marked = ["sos/OTHER", *tokens[:MAX_WORDS], "eos/OTHER"]
        padded = [*marked, *["unk/OTHER"] * (LONGEST - len(marked))]
        vectors, classes = np.zeros((LONGEST, self.vectors.shape[1]), np.float32), np.zeros((LONGEST, len(CLASSES)))
        for place, token in enumerate(padded):
            word, _, part = token.rpartition("/")
            if word not in self.rows:
                word, part = _UNKNOWN, _OTHER
            part = _CLASS_OF.get(word, part)
            vectors[place] = self.vectors[self.rows[word]]
            classes[place, CLASSES.index(part if part in CLASSES else _OTHER)] = 1.0
        return vectors, classes.astype(np.float32), len(marked)


def load_word_vectors(folder: Path) -> WordVectors:
    """The word vectors that are published with HumanML3D's evaluator: the folder `glove`.

    Raises:
        InputError: a file is missing or is not what it should be.
    """
    rows = _load_plain(folder / "our_vab_idx.pkl")
    words = _load_plain(folder / "our_vab_words.pkl")
    path = folder / "our_vab_data.npy"
    try:
        vectors = np.asarray(np.load(BytesIO(read_regular(path, _MAX_BYTES)), allow_pickle=False), dtype=np.float32)
    except OSError as error:
        raise _missing(path, error) from None
    except (ValueError, EOFError) as error:
        raise InputError(f"{path}: not a readable .npy file ({first_line(error)}); get it again") from None
    if not (
        isinstance(rows, dict)
        and isinstance(words, list)
        and vectors.ndim == 2
        and all(isinstance(rows.get(word), int) and 0 <= rows[word] < len(vectors) for word in words)
        and _UNKNOWN in words
    ):
        raise InputError(f"{folder}: our_vab_words.pkl, our_vab_idx.pkl and our_vab_data.npy do not belong together")
    return WordVectors({word: rows[word] for word in words}, vectors)


def _load_plain(path: Path) -> Any:
    try:
        return _PlainUnpickler(BytesIO(read_regular(path, _MAX_BYTES))).load()
    except OSError as error:
        raise _missing(path, error) from None
    except Exception as error:  # a damaged pickle raises anything
        raise InputError(f"{path}: not a pickled list of words ({first_line(error)}); get it again") from None


def _missing(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path}: {error.strerror or error}; --glove names the folder glove of the evaluator, with our_vab_data.npy, "
        "our_vab_words.pkl and our_vab_idx.pkl"
    )
