"""Hold a JSON value against a JSON schema as msgspec writes them, strictly: a field that is not described is wrong."""

from typing import Any


def mismatches(value: Any, schema: dict[str, Any], components: dict[str, Any], at: str = "$") -> list[str]:  # noqa: PLR0911 - one return for each kind of schema
    """Return where a value is not what the schema says; an empty list where it is."""
    if "$ref" in schema:
        return mismatches(value, components[schema["$ref"].rpartition("/")[2]], components, at)
    if "anyOf" in schema:
        tried = [mismatches(value, one, components, at) for one in schema["anyOf"]]
        return [] if any(not found for found in tried) else min(tried, key=len)
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{at}: {value!r} is not one of {schema['enum']}"]
    kinds = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
        "array": list,
        "object": dict,
    }
    kind = schema.get("type")
    if kind is None:
        return []
    if not isinstance(value, kinds[kind]) or (kind in {"integer", "number"} and isinstance(value, bool)):
        return [f"{at}: {value!r} is not {kind}"]
    if kind == "array":
        items = schema.get("items", {})
        return [found for n, one in enumerate(value) for found in mismatches(one, items, components, f"{at}[{n}]")]
    if kind == "object" and "properties" in schema:
        described = schema["properties"]
        found = [f"{at}.{name}: not described" for name in value.keys() - described.keys()]
        found += [f"{at}.{name}: missing" for name in set(schema.get("required", ())) - value.keys()]
        for name in value.keys() & described.keys():
            found += mismatches(value[name], described[name], components, f"{at}.{name}")
        return found
    return []
