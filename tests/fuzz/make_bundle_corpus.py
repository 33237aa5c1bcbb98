#!/usr/bin/env python3
"""Writes the seeds of bundle_fuzzer: a model bundle without its weights, whole and damaged.

    tests/fuzz/make_bundle_corpus.py model/pretrained/default.safetensors
"""

import hashlib
import json
import pathlib
import struct
import sys

CORPUS = pathlib.Path(__file__).resolve().parent / "bundle_corpus"


def dump(value):
    """JSON as nlohmann's dump() writes it, which the digest is computed over."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def bundle(manifest, index, data, **metadata):
    """A bundle's bytes, with the right digest unless the metadata say otherwise."""
    content = (manifest + dump(index)).encode() + data
    header = {
        "__metadata__": {
            "format": "emotiond-bundle",
            "version": "2",
            "sha256": hashlib.sha256(content).hexdigest(),
            "manifest": manifest,
            **metadata,
        },
        **index,
    }
    text = dump(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def tensor(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def main():
    original = pathlib.Path(sys.argv[1]).read_bytes()
    (size,) = struct.unpack("<Q", original[:8])
    metadata = json.loads(original[8 : 8 + size])["__metadata__"]
    manifest = json.loads(metadata["manifest"]) | {"training_data": [], "metrics": {}}
    manifest.pop("voice", None)
    # The probe's digits are a float's: those of Python's repr are the same value, so it stays.
    text = dump(manifest)
    index = {"a.bias": tensor([2], 0, 8), "a.weight": tensor([1, 3], 8, 20)}
    data = struct.pack("<5f", 1, -2, 0.5, 0, 3)
    whole = bundle(text, index, data)
    code = b"PK\x03\x04 any bytes"

    def module(shape=(len(code),), begin=0, end=len(code), dtype="U8", data=code):
        index = {"torchscript": tensor(list(shape), begin, end, dtype)}
        return bundle(text, index, data)

    def with_voice(features, units=8, kind="gru", without=None):
        shapes = {
            "input.bias": [3 * units],
            "input.weight": [3 * units, features],
            "output.bias": [1],
            "output.weight": [1, units],
            "recurrent.bias": [3 * units],
            "recurrent.weight": [3 * units, units],
        }
        voice_index, values = {}, []
        for name, shape in shapes.items():
            size = shape[0] * (shape[1] if len(shape) > 1 else 1)
            if name != without:
                voice_index[f"voice.{name}"] = tensor(shape, 4 * len(values), 4 * (len(values) + size))
                values += [i % 7 - 3 for i in range(size)]
        voice = {"kind": kind, "units": units, "training_data": [], "metrics": {}}
        return bundle(dump(manifest | {"voice": voice}), voice_index, struct.pack(f"<{len(values)}f", *values),
                      version="3")

    features = 32  # of the bundled model's rows
    (header_size,) = struct.unpack("<Q", whole[:8])

    def with_manifest(**changes):
        return bundle(dump(manifest | changes), index, data)

    def with_features(**changes):
        return with_manifest(features=manifest["features"] | changes)

    seeds = {
        "whole": whole,
        "empty": b"",
        "only_a_size": struct.pack("<Q", 16),
        "size_beyond_the_file": struct.pack("<Q", 1 << 20) + b"{}",
        "size_beyond_all_files": struct.pack("<Q", (1 << 64) - 1) + b"{}",
        "header_cut": whole[: header_size // 2],
        "data_cut": whole[:-4],
        "data_flipped": whole[:-1] + b"\xff",
        "header_not_json": struct.pack("<Q", 8) + b"{\xff\xfe   }",
        "header_deep": struct.pack("<Q", 200) + b'{"a":' + b"[" * 95 + b"]" * 95 + b"    }",
        "no_metadata": struct.pack("<Q", 8) + b'{"a":1 }',
        "metadata_a_list": struct.pack("<Q", 24) + b'{"__metadata__":[1,2,3]}',
        "other_version": bundle(text, {}, b"", version="1"),
        "manifest_not_json": bundle("{", index, data),
        "tensor_shape_overflows": bundle(text, {"a": tensor([1 << 31, 1 << 33], 0, 20)}, data),
        "tensor_outside": bundle(text, {"a": tensor([5], 4, 24)}, data),
        "tensor_of_another_size": bundle(text, {"a": tensor([5], 4, 20)}, data),
        "tensor_of_halves": bundle(text, {"a": tensor([10], 0, 20, "F16")}, data),
        "torchscript": module(),
        "torchscript_of_floats": module([3], 0, 12, "F32"),
        "torchscript_of_two_dimensions": module([2, 7]),
        "torchscript_outside": module([2**40], 0, 2**40),
        "torchscript_backwards": module([(1 << 64) - 4], 8, 4),
        "torchscript_cut": module()[:-1],
        "voice": with_voice(features),
        "voice_of_other_rows": with_voice(features - 1),
        "voice_of_twelve_units": with_voice(features, units=12),
        "voice_of_another_kind": with_voice(features, kind="lstm"),
        "voice_without_its_output": with_voice(features, without="output.weight"),
        "voice_missing": bundle(text, index, data, version="3"),
        "temperature_zero": with_manifest(temperature=0),
        "uncertain_beyond_one": with_manifest(uncertain_below=1.5),
        "features_unknown": with_features(window="kaiser"),
        "features_delta": with_features(delta_order=2, append_log_energy=True),
        "features_huge": with_features(sample_rate_hz=2**31 - 1),
    }
    CORPUS.mkdir(exist_ok=True)
    for name, seed in seeds.items():
        (CORPUS / name).write_bytes(seed)
    print(f"{len(seeds)} seeds, {sum(map(len, seeds.values()))} bytes")


if __name__ == "__main__":
    main()
