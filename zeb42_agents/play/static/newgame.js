// Dialogs: who sits where and what is played, and hands from a real table: seven dominoes, or a whole hand.
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { lines } from "./api.js";
import { Opinion } from "./ask.js";
import { BidTable } from "./bids.js";
import { arrows } from "./controls.js";
import { Picker } from "./domino.js";
import { TellHand } from "./told.js";

export function Dialog({ title, onClose, children, wide }) {
  const box = useRef(null);
  useEffect(() => box.current.showModal(), []);
  return html`<dialog ref=${box} class=${wide ? "wide" : ""} aria-labelledby="dialog-title" onClose=${onClose}>
    <header><h2 id="dialog-title">${title}</h2><button class="small" aria-label="Close" onClick=${() => box.current.close()}>✕</button></header>
    ${children}
  </dialog>`;
}

const GAMES = {
  match: ["A match to seven marks", { episode: "match" }],
  hand: ["Single hands, with the auction", { episode: "hand" }],
  most_trumps: ["No auction: most trumps bids 30", { episode: "hand", contract: "most_trumps" }],
  dropped30: ["No auction: the shaker is stuck with 30", { episode: "hand", contract: "dropped30" }],
  random: ["No auction: any contract, for more than 21 points", { episode: "hand", contract: "random", scoring: "majority" }],
};
const PLACES = ["You (bottom)", "Left", "Partner", "Right"];

export function NewGame({ agents, onClose, onStart }) {
  const [seats, setSeats] = useState(agents.usual);
  const [game, setGame] = useState("match");
  const [seed, setSeed] = useState("");
  const [trouble, setTrouble] = useState("");
  const start = async (event) => {
    event.preventDefault();
    if (seed && !/^\d{1,15}$/.test(seed)) return setTrouble("A seed is a whole number of at most 15 digits.");
    setTrouble((await onStart({ seats, ...GAMES[game][1], ...(seed ? { seed: Number(seed) } : {}) })) || "");
  };
  const sit = (place, name) => setSeats(seats.map((old, number) => (number === place ? name : old)));
  return html`<${Dialog} title="New game" onClose=${onClose} wide>
    <form onSubmit=${start}>
      ${PLACES.map((place, number) => html`<label class="row"><span>${place}</span>
        <select value=${seats[number]} onChange=${(event) => sit(number, event.target.value)}>
          <option value="you">${number === 0 ? "You" : "Another person"}</option>
          ${agents.levels.map((level) => html`<option value=${level.name} disabled=${!!level.missing}>${level.name}: ${level.missing || level.about}</option>`)}
        </select></label>`)}
      <label class="row"><span>Game</span><select value=${game} onChange=${(event) => setGame(event.target.value)}>
        ${Object.entries(GAMES).map(([key, [name]]) => html`<option value=${key}>${name}</option>`)}</select></label>
      <label class="row"><span>Seed</span><input value=${seed} inputmode="numeric" placeholder="a fresh deal" onInput=${(event) => setSeed(event.target.value)} /></label>
      ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
      <p class="quiet">Nobody sees hidden dominoes, agents neither. A seed deals the same hands again.</p>
      <button class="primary" id="start-game">Deal</button>
    </form>
  </${Dialog}>`;
}

const TYPED = { seven: "Seven dominoes", whole: "A whole hand" };

export function TypeIn({ agents, onClose, onReview }) {
  const [what, setWhat] = useState("seven");
  return html`<${Dialog} title="A hand from a real table" onClose=${onClose} wide>
    <div class="tabs" role="group" aria-label="What to type in">${Object.entries(TYPED).map(([key, name]) => html`<button class="small" id=${`type-${key}`}
      key=${key} aria-pressed=${what === key} onClick=${() => setWhat(key)}>${name}</button>`)}</div>
    ${what === "seven" ? html`<${Seven} agents=${agents} />` : html`<${TellHand} onReview=${onReview} />`}
  </${Dialog}>`;
}

// The domino of a typed word: 6-4, 64, 4/6; "" if it is none.
function faceOf(word) {
  const pips = word.match(/^([0-6])[-:|\/]?([0-6])$/);
  return pips ? [pips[1], pips[2]].sort().reverse().join("-") : "";
}

function Seven({ agents }) {
  const [text, setText] = useState("");
  const [found, setFound] = useState({});
  const [trouble, setTrouble] = useState("");
  const typed = text.split(/[\s,;]+/).filter(Boolean);
  const picked = typed.map(faceOf).filter(Boolean);
  const stopper = useRef(null);
  useEffect(() => () => stopper.current?.abort(), []);
  const pick = (face) => {
    const rest = typed.filter((word) => faceOf(word) !== face); // words that are no domino yet stay
    if (rest.length === typed.length && picked.length < 7) rest.push(face);
    setText(rest.join(" "));
  };
  const who = agents.levels.find((level) => level.name === "Zeb")?.name || null;
  const help = async (event) => {
    event.preventDefault();
    stopper.current?.abort();
    stopper.current = new AbortController();
    setFound({});
    setTrouble("");
    try {
      await lines("/bids", { dominoes: text, who }, (line) => setFound((before) => ({ ...before, [line.kind]: line })), stopper.current.signal);
    } catch (error) {
      if (error.name !== "AbortError") setTrouble(error.message);
    }
  };
  const button = (face) => ({ "aria-pressed": picked.includes(face), "aria-label": face, "data-pick": face, onClick: () => pick(face) });
  return html`<form onSubmit=${help}>
      <div onKeyDown=${arrows}><${Picker} label="Pick seven dominoes" button=${button} /></div>
      <label class="row"><span>Or type</span><input id="seven" value=${text} placeholder="5-5 5-4 5-1 5-0 6-6 6-5 2-1" maxlength="120" onInput=${(event) => setText(event.target.value)} /></label>
      ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
      <button class="primary" id="help-bid">Help me bid</button> <span class="quiet">You bid first; nobody has spoken.</span>
    </form>
    ${(found.bids || found.opinion) && html`<${BidTable} found=${found.bids} />`}
    ${found.opinion && html`<${Opinion} opinion=${found.opinion} />`}`;
}
