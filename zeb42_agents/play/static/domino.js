// Dominoes and the strokes that marks are kept with, drawn as SVG in the units of zeb42_env/picture.py.
import { html } from "./vendor/htm-preact.js";

const [WIDTH, HEIGHT] = [44, 88];
const STEP = 0.27 * WIDTH;
const PIPS = [
  [],
  [[0, 0]],
  [[-1, -1], [1, 1]],
  [[-1, -1], [0, 0], [1, 1]],
  [[-1, -1], [-1, 1], [1, -1], [1, 1]],
  [[-1, -1], [-1, 1], [0, 0], [1, -1], [1, 1]],
  [[-1, -1], [-1, 0], [-1, 1], [1, -1], [1, 0], [1, 1]],
];

export const percent = (share) => `${Math.round(100 * share)}%`;

export const COUNTS = { "5-0": 5, "4-1": 5, "3-2": 5, "5-5": 10, "6-4": 10 };

// `face` such as "6-4"; null lies face down. `lying` turns it on its side.
export function Domino({ face, lying = false, trump = false, classes = "" }) {
  const size = lying ? `0 0 ${HEIGHT} ${WIDTH}` : `0 0 ${WIDTH} ${HEIGHT}`;
  const turn = lying ? `translate(0 ${WIDTH}) rotate(-90)` : undefined;
  const kind = `domino ${face ? "" : "back"} ${trump ? "trump" : ""} ${lying ? "lying" : ""} ${classes}`;
  return html`<svg class=${kind} viewBox=${size} aria-hidden="true" focusable="false">
    <g transform=${turn}>${face ? front(face) : back()}</g>
  </svg>`;
}

function front(face) {
  const [high, low] = face.split("-").map(Number);
  return html`<rect class="tile" x="1" y="1" width=${WIDTH - 2} height=${HEIGHT - 2} rx="7" />
    <rect class="shine" x="3.5" y="3.5" width=${WIDTH - 7} height=${HEIGHT - 7} rx="5" />
    <line class="bar" x1="7" x2=${WIDTH - 7} y1=${HEIGHT / 2} y2=${HEIGHT / 2} />
    <circle class="pin" cx=${WIDTH / 2} cy=${HEIGHT / 2} r="2.4" />
    ${pips(high, HEIGHT / 4)}${pips(low, (3 * HEIGHT) / 4)}`;
}

function pips(number, middle) {
  return PIPS[number].map(
    ([x, y]) => html`<circle class="pip p${number}" cx=${WIDTH / 2 + x * STEP} cy=${middle + y * STEP} r="4.1" />`,
  );
}

function back() {
  return html`<rect class="tile" x="1" y="1" width=${WIDTH - 2} height=${HEIGHT - 2} rx="7" />
    <rect class="frame" x="7" y="12" width=${WIDTH - 14} height=${HEIGHT - 24} rx="5" />
    <path class="star" d=${STAR} />`;
}

const STAR = Array.from({ length: 10 }, (_, i) => {
  const [angle, reach] = [(Math.PI * i) / 5 - Math.PI / 2, i % 2 ? 3.6 : 9];
  return `${i ? "L" : "M"}${(WIDTH / 2 + reach * Math.cos(angle)).toFixed(2)} ${(HEIGHT / 2 + reach * Math.sin(angle)).toFixed(2)}`;
}).join("") + "Z";

// Seven marks spell ALL: three strokes for the A, two for each L, the way they are chalked up on a rail.
const STROKES = ["M4 34 15 4", "M15 4 26 34", "M8 23 22 23", "M36 4 36 33", "M36 33 51 33", "M61 4 61 33", "M61 33 76 33"];

export function Marks({ marks, who }) {
  const words = `${who}: ${marks} ${marks === 1 ? "mark" : "marks"} of 7`;
  return html`<svg class="marks" viewBox="0 0 80 38" role="img" aria-label=${words}>
    ${STROKES.map((path, number) => html`<path class=${number < marks ? "stroke made" : "stroke"} d=${path} />`)}
  </svg>`;
}

const ROWS = Array.from({ length: 7 }, (_, high) => Array.from({ length: high + 1 }, (_, low) => `${high}-${low}`));

// All 28 to click; `button(face)` says what the button of a domino does.
export function Picker({ label, button, trumps = [] }) {
  return html`<div class="picker" role="group" aria-label=${label}>${ROWS.map((row) => html`<div>${row.map((face) => html`<button type="button"
    key=${face} class="tile-button" ...${button(face)}><${Domino} face=${face} trump=${trumps.includes(face)} /></button>`)}</div>`)}</div>`;
}

export function spoken(face, trumps = []) {
  const count = COUNTS[face] ? `, ${COUNTS[face]} count` : "";
  return `${face.replace("-", " ")}${count}${trumps.includes(face) ? ", trump" : ""}`;
}
