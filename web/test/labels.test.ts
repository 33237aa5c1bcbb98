import assert from "node:assert/strict";
import { test } from "node:test";
import { colourOf, kStack, patternOf, stackOrder } from "../src/labels";

type Triple = [number, number, number];

/** Machado, Oliveira & Fernandes 2009, severity 1. */
const kSights: Record<string, Triple[]> = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

function oklab(hex: string, sight: Triple[]): Triple {
  const rgb = [1, 3, 5].map((i) => {
    const value = parseInt(hex.slice(i, i + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const [r, g, b] = sight.map((row) => Math.min(1, Math.max(0, row[0] * rgb[0]! + row[1] * rgb[1]! + row[2] * rgb[2]!))) as Triple;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

test("Any two emotions' colours are apart, in everybody's eyes", () => {
  for (const dark of [false, true]) {
    for (const [name, sight] of Object.entries(kSights)) {
      const places = kStack.map((label) => oklab(colourOf(label, dark), sight));
      for (let i = 0; i < kStack.length; ++i) {
        for (let j = 0; j < i; ++j) {
          const distance = Math.hypot(...places[i]!.map((value, k) => value - places[j]![k]!));
          assert.ok(distance > 0.075, `${kStack[i]} and ${kStack[j]}, ${name}, dark ${dark}: ${distance.toFixed(3)}`);
        }
      }
    }
  }
});

test("Every emotion has a pattern of its own", () => {
  assert.equal(new Set(kStack.map(patternOf)).size, kStack.length);
});

test("A label that is not known always has the same colour and pattern", () => {
  assert.equal(colourOf("bored", false), colourOf("bored", true));
  assert.notEqual(colourOf("bored", false), colourOf("amused", false));
  assert.equal(patternOf("bored"), patternOf("bored"));
  assert.match(colourOf("müde", false), /^hsl\(\d+ 48% \d+%\)$/);
});

test("Labels that are not known stand above those that are", () => {
  assert.deepEqual(stackOrder(["zeal", "neutral", "bored", "angry"]), ["angry", "neutral", "bored", "zeal"]);
});
