#!/usr/bin/env python3
"""Holds messages of the real service and the examples of docs/protocol.md against docs/schema.

    check_schema.py PROTOCOL_MD SCHEMA_FOLDER MESSAGES...      # files of one JSON object a line
"""
import json
import pathlib
import re
import sys

import jsonschema
import yaml


def validator(path):
    schema = json.loads(path.read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def main():
    document, folder, *files = map(pathlib.Path, sys.argv[1:])
    messages = validator(folder / "messages.schema.json")
    commands = validator(folder / "commands.schema.json")
    text = document.read_text()
    seen, checked, wrong = set(), 0, 0

    def check(against, value, where):
        nonlocal checked, wrong
        checked += 1
        for error in against.iter_errors(value):
            wrong += 1
            print(f"{where}: {error.message[:300]}\n  in {json.dumps(value)[:300]}")

    for block in re.findall(r"```json\n(.*?)```", text, re.S):
        value = json.loads(block)
        seen.add(value["type"])
        check(messages, value, document)
    for block in re.findall(r"```command\n(.*?)```", text, re.S):
        for command in re.split(r"\n(?=\{)", block.strip()):
            check(commands, json.loads(command), document)
    for file in files:
        for line in file.read_text().splitlines():
            check(messages, json.loads(line), file)
    described = {kind["properties"]["type"]["const"]
                 for kind in messages.schema["definitions"].values()}
    if described != seen:
        wrong += 1
        print(f"the schema describes {sorted(described)}, the document shows {sorted(seen)}")
    # AsyncAPI names every definition, and nothing else.
    stream = yaml.safe_load((folder / "asyncapi.yaml").read_text())["channels"]["/v1/stream"]
    for side, against in (("subscribe", messages), ("publish", commands)):
        named = [one["payload"]["$ref"].rsplit("/", 1)[1] for one in stream[side]["message"]["oneOf"]]
        if sorted(named) != sorted(against.schema["definitions"]):
            wrong += 1
            print(f"asyncapi.yaml, {side}: {named}")
    print(f"{checked} messages and commands checked, {wrong} wrong")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
