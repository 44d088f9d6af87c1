"""Dataclasses as JSON objects: written in the order of their fields, and read with every type checked.

A record is a dataclass that derives from `JsonRecord`. What its JSON may hold follows from the annotations of its
fields (str, int, float, bool, None, `|`, list, tuple, Mapping, other records) or, for a type that JSON lacks, from a
`Codec`; the JSON schema follows from the same.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from types import UnionType
from typing import Any, Final, NamedTuple, NoReturn, Self, Union, get_args, get_origin, get_type_hints

SCALARS: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
"""JSON's name of each type of a single value."""
MAX_DEPTH = 64
"""Arrays and objects within each other that a document may have; functions that call themselves can read so many."""


@dataclass(frozen=True)
class Codec:
    """Reading and writing of a value that JSON has no type for. `read` raises ValueError for what it cannot accept."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    schema: Mapping[str, Any]


def json_field(
    description: str, *, codec: Codec | None = None, written: bool = False, rest: bool = False, **options: Any
) -> Any:
    """A dataclass field with its description in the schema. The key of one whose default is None is left out while the
    value is None. `written`: the key is written always, though readers accept documents without it. `rest`: a mapping
    whose keys lie beside those of the other fields; readers put there every key that is no field."""
    omit_none = options.get("default", MISSING) is None
    metadata = {"description": description, "codec": codec, "omit_none": omit_none, "written": written, "rest": rest}
    return field(metadata=metadata, **options)


class JsonRecord:
    """Base of dataclasses that are stored as JSON objects."""

    def to_json(self) -> dict[str, Any]:
        """The JSON object, its keys in the order of the fields."""
        document = {}
        record: Any = type(self)
        for name, write, is_rest, omits_none in cached_writers(record):
            value = getattr(self, name)
            if is_rest:
                document.update(plain(value))
            elif value is not None:
                document[name] = write(value)
            elif not omits_none:
                document[name] = None
        return document

    @classmethod
    def from_json(cls, document: object) -> Self:
        """Read a JSON object. Keys that are not fields are ignored, and fields with a default may be absent.

        Raises:
            ValueError: one line with the key, the expected type and the actual one.
        """
        record: Self = read_object(cls, document, "")
        return record


def parse_json(content: bytes | str) -> Any:
    """Decode JSON: UTF-8 without a byte-order mark, at most `MAX_DEPTH` deep. NaN and Infinity are no part of it.

    Raises:
        ValueError: it cannot be decoded.
    """
    text = content.decode() if isinstance(content, bytes) else content
    if text.startswith("\ufeff"):
        raise ValueError("begins with a byte-order mark")
    try:
        document = DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if text.count("[") + text.count("{") > MAX_DEPTH and exceeds_depth(document, MAX_DEPTH):
        raise ValueError("nested too deeply")
    return document


def exceeds_depth(document: object, depth: int) -> bool:
    """Whether decoded JSON has arrays and objects within each other, more than `depth` of them."""
    layer = [document]
    for _ in range(depth + 1):
        layer = [
            item
            for each in layer
            if isinstance(each, list | dict)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(layer)


def json_lines(records: Iterable[JsonRecord]) -> bytes:
    """JSON Lines: one object per line, UTF-8. What UTF-8 cannot express (undecodable bytes of a path) becomes `?`."""
    text = "".join(json.dumps(each.to_json(), ensure_ascii=False) + "\n" for each in records)
    return text.encode(errors="replace")


def json_schema(cls: type[JsonRecord], title: str) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a record."""
    record: Any = cls
    properties, additional = {}, {}
    for each, annotation in typed_fields(cls):
        codec = each.metadata.get("codec")
        schema = dict(codec.schema) if codec else schema_of(annotation, nullable=not each.metadata.get("omit_none"))
        description = each.metadata.get("description")
        if each.metadata.get("rest"):
            additional = {"additionalProperties": {"description": description}}
            continue
        properties[each.name] = {"description": description, **schema} if description else schema
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": properties,
        **additional,
        "required": list(written_keys(record)),
    }


@cache
def required_keys(cls: type[JsonRecord]) -> Sequence[str]:
    """The keys that `from_json` must find."""
    return tuple(each.name for each, _ in typed_fields(cls) if is_required(each))


@cache
def written_keys(cls: type[JsonRecord]) -> Sequence[str]:
    """The keys that `to_json` always writes."""
    return tuple(each.name for each, _ in typed_fields(cls) if is_required(each) or each.metadata.get("written"))


def typed_fields(cls: Any) -> tuple[tuple[Field[Any], Any], ...]:
    """The fields of a dataclass with their resolved annotations."""
    return cached_fields(cls)


@cache
def cached_fields(cls: Any) -> tuple[tuple[Field[Any], Any], ...]:
    hints = get_type_hints(cls)
    return tuple((each, hints[each.name]) for each in fields(cls))


@cache
def cached_writers(cls: Any) -> tuple[tuple[str, Callable[[Any], Any], bool, bool], ...]:
    """Of each field its name, what makes JSON of a value, whether it is the rest, and whether None is left out."""
    found = []
    for each, annotation in typed_fields(cls):
        codec = each.metadata.get("codec")
        write = codec.write if codec else as_it_is if is_plain(annotation) else plain
        found.append((each.name, write, bool(each.metadata.get("rest")), bool(each.metadata.get("omit_none"))))
    return tuple(found)


def is_plain(annotation: Any) -> bool:
    """Whether the values of an annotation are what `json.dumps` takes: lists and values of JSON's own types alone."""
    origin, arguments = parts(annotation)
    return annotation in SCALARS or (origin in (list, UnionType, Union) and all(map(is_plain, arguments)))


def as_it_is(value: Any) -> Any:
    return value


@cache
def parts(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """Origin and arguments of a generic annotation."""
    return get_origin(annotation), get_args(annotation)


def is_required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


Reader = Callable[[Any, str], Any]
"""Gives a decoded value as a record has it, by the value and where in the document it is. Raises ValueError."""


class FieldReader(NamedTuple):
    """How a field is read. `plain`: types whose values are taken as they are, which saves most of the time."""

    name: str
    read: Reader
    is_required: bool
    is_rest: bool
    plain: frozenset[Any]


@cache
def field_readers(cls: Any) -> tuple[FieldReader, ...]:
    readers = []
    for each, annotation in typed_fields(cls):
        origin, arguments = parts(annotation)
        kinds = arguments if origin in (UnionType, Union) else (annotation,)
        codec = each.metadata.get("codec")
        plain = frozenset[Any]() if codec else frozenset(kind for kind in kinds if kind in SCALARS)
        read = value_reader(annotation) if codec is None else decoded(codec.read)
        readers.append(FieldReader(each.name, read, is_required(each), bool(each.metadata.get("rest")), plain))
    return tuple(readers)


def read_object(cls: Any, document: object, where: str) -> Any:
    if not isinstance(document, dict):
        raise ValueError(f"{where or 'the document'} should be an object, not {type_name(document)}")
    values, readers = {}, field_readers(cls)
    for name, read, required, is_rest, plain_types in readers:
        if is_rest:
            names = {other.name for other in readers if other.name != name}
            values[name] = {key: value for key, value in document.items() if key not in names}
            continue
        if name not in document:
            if required:
                raise ValueError(f"the key {f'{where}.{name}' if where else name} is missing")
            continue
        value = document[name]
        if type(value) in plain_types and (type(value) is not str or value.isascii()):
            values[name] = value
        else:
            values[name] = read(value, f"{where}.{name}" if where else name)
    return cls(**values)


def decoded(decode: Callable[[Any], Any]) -> Reader:
    """The reader of a codec."""

    def read(value: Any, where: str) -> Any:
        try:
            return decode(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"{where}: {error}") from None

    return read


@cache
def value_reader(annotation: Any) -> Reader:
    """What reads the values of an annotation; it is made once, as there are many values."""
    if annotation is Any:
        return lambda value, where: value
    if annotation in SCALARS:
        return lambda value, where: read_scalar(annotation, value, where)
    origin, arguments = parts(annotation)
    if origin in (UnionType, Union):
        return union_reader(annotation, tuple(map(value_reader, arguments)))
    if origin in (list, tuple):
        return array_reader(annotation, origin, arguments[0])
    if origin is Mapping:
        return mapping_reader(annotation, arguments[1])
    return lambda value, where: read_object(annotation, value, where)


def union_reader(annotation: Any, readers: Sequence[Reader]) -> Reader:
    def read(value: Any, where: str) -> Any:
        for each in readers:
            try:
                return each(value, where)
            except ValueError:
                continue
        raise mismatch(annotation, value, where)

    return read


def array_reader(annotation: Any, origin: Callable[[Iterable[Any]], Any], kind: Any) -> Reader:
    read_item = value_reader(kind)

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, list):
            raise mismatch(annotation, value, where)
        if is_uniform(kind, value):
            return origin(value)
        return origin(read_item(each, f"{where}[{place}]") for place, each in enumerate(value))

    return read


def mapping_reader(annotation: Any, kind: Any) -> Reader:
    read_item = value_reader(kind)

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise mismatch(annotation, value, where)
        if kind is Any or is_uniform(kind, value.values()):
            return value
        return {key: read_item(each, f"{where}.{key}") for key, each in value.items()}

    return read


def is_uniform(kind: Any, values: Collection[Any]) -> bool:
    """Whether all values are of one of JSON's own types as they are; often so, and faster than to look at each."""
    return kind in SCALARS and set(map(type, values)) <= {kind} and (kind is not str or "".join(values).isascii())


def read_scalar(kind: Any, value: object, where: str) -> Any:
    if kind is float and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{where} is too large a number") from None
    if type(value) is not kind:
        raise mismatch(kind, value, where)
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{where} holds half of a surrogate pair") from None
    return value


def mismatch(annotation: Any, value: object, where: str) -> ValueError:
    return ValueError(f"{where} should be {expected(annotation)}, not {type_name(value)}")


def expected(annotation: Any) -> str:
    """An annotation in the words of JSON."""
    if annotation in SCALARS:
        return SCALARS[annotation]
    origin = get_origin(annotation)
    if origin in (UnionType, Union):
        return " or ".join(expected(each) for each in get_args(annotation))
    return "array" if origin in (list, tuple) else "object"


def type_name(value: object) -> str:
    """JSON's name of the type of a decoded value."""
    return SCALARS.get(type(value)) or ("array" if isinstance(value, list) else "object")


def schema_of(annotation: Any, nullable: bool = True) -> dict[str, Any]:
    if annotation is Any:
        return {}
    if annotation in SCALARS:
        return {"type": SCALARS[annotation]}
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (UnionType, Union):
        kept = [each for each in arguments if nullable or each is not type(None)]
        schemas = [schema_of(each) for each in kept]
        if len(schemas) == 1:
            return schemas[0]
        if all(set(each) == {"type"} for each in schemas):
            return {"type": [each["type"] for each in schemas]}
        return {"anyOf": schemas}
    if origin in (list, tuple):
        return {"type": "array", "items": schema_of(arguments[0])}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    properties = {each.name: schema_of(hint) for each, hint in typed_fields(annotation)}
    required = [each.name for each, _ in typed_fields(annotation) if is_required(each)]
    return {"type": "object", "properties": properties, "required": required}


def plain(value: Any) -> Any:
    """A value as `json.dumps` takes it: records as dicts, tuples as lists."""
    if type(value) in SCALARS:
        return value
    if isinstance(value, JsonRecord):
        return value.to_json()
    if isinstance(value, (list, tuple)):
        return list(value) if SCALARS.keys() >= set(map(type, value)) else [plain(each) for each in value]
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    return value


def reject_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


DECODER: Final = json.JSONDecoder(parse_constant=reject_constant)
