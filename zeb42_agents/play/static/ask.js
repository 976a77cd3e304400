// The panel that answers when it is asked, and only then: best plays, what lies where, guessed deals, bidding help.
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { lines } from "./api.js";
import { BidTable } from "./bids.js";
import { Domino, percent } from "./domino.js";

const FIRST_EFFORT = 64;

// Gathers a stream of answers about the table `id` at its `version`; what was asked is forgotten with the version.
export function useAnswers(path, body, onError) {
  const [found, setFound] = useState({});
  const [thinking, setThinking] = useState(false);
  const stopper = useRef(null);
  const ask = async (more) => {
    stopper.current?.abort();
    const mine = (stopper.current = new AbortController());
    setThinking(true);
    try {
      await lines(path, { ...body, ...more }, (line) => {
        if (line.kind === "error") onError(line.error);
        setFound((before) => ({ ...before, [line.kind]: line }));
      }, mine.signal);
    } catch (error) {
      if (error.name !== "AbortError") onError(error.message);
    }
    if (stopper.current === mine) setThinking(false);
  };
  const stop = () => {
    stopper.current?.abort();
    setThinking(false);
  };
  useEffect(() => stop, [path, JSON.stringify(body)]);
  return { found, thinking, ask, stop, forget: () => setFound({}) };
}

export function Ask({ state, who, levels, onWho, onError }) {
  const path = `/tables/${state.id}/ask`;
  const answers = useAnswers(path, { who }, onError);
  const bids = useAnswers(`/tables/${state.id}/bids`, { who }, onError);
  const [asked, setAsked] = useState(null);
  const current = asked === state.version;
  useEffect(() => {
    if (asked !== null && !current) {
      answers.stop();
      bids.stop();
    }
  }, [state.version]);
  const start = (up_to) => {
    if (!current) answers.forget();
    setAsked(state.version);
    answers.ask({ up_to });
  };
  const startBids = () => {
    if (!current) bids.forget();
    setAsked(state.version);
    bids.ask({});
  };
  if (state.over) return html`<p class="quiet">The hand is over: every domino lies open, and a review says what it was worth.</p>`;
  const { plays, hidden, worlds, opinion } = current ? answers.found : {};
  const found = current ? bids.found : {};
  const calling = state.phase !== "tricks";
  return html`<div class="ask">
    <div class="ask-bar">
      <button id="ask" class="primary" onClick=${() => start(FIRST_EFFORT)} disabled=${answers.thinking}>${state.your_turn ? "What is best?" : "Who holds what?"}</button>
      ${calling && html`<button id="ask-bids" onClick=${startBids} disabled=${bids.thinking}>Help me bid</button>`}
      <label>Ask <select value=${who || ""} onChange=${(event) => onWho(event.target.value || null)}>
        <option value="">the rules alone</option>
        ${levels.filter((level) => !level.missing && level.name !== "Random").map((level) => html`<option value=${level.name}>${level.name}</option>`)}
      </select></label>
    </div>
    ${!current && html`<p class="quiet">Nothing is shown until you ask, and asking is never counted as your play.</p>`}
    ${plays && html`<${Plays} plays=${plays} thinking=${answers.thinking} onMore=${start} onStop=${answers.stop} />`}
    ${answers.thinking && !plays && html`<p class="quiet" role="status">Thinking …</p>`}
    ${opinion && html`<${Opinion} opinion=${opinion} />`}
    ${opinion && plays && !plays.options.some((option) => option.close && option.text === opinion.chosen) && html`<p class="quiet">The two differ: the list
      tries guessed deals that are then played perfectly${plays.unit === "marks" ? `, the other calls being guessed; ${opinion.name} judges by its own lights` : `; ${opinion.name} looks on in its own way`}. Neither is the last word.</p>`}
    ${calling && (found.bids || bids.thinking) && html`<section><h3>Bidding help</h3><${BidTable} found=${found.bids} />
      ${found.opinion && html`<${Opinion} opinion=${found.opinion} />`}</section>`}
    ${worlds && html`<${Worlds} worlds=${worlds} />`}
    ${hidden && html`<${Hidden} hidden=${hidden} />`}
  </div>`;
}

function Plays({ plays, thinking, onMore, onStop }) {
  const best = plays.options[0];
  const close = plays.options.filter((option) => option.close);
  const decided = plays.unit === "win" && plays.options.every((option) => option.value === best.value) && [0, 1].includes(best.value);
  const tie = plays.options.length === 1 ? `${best.text} is all that is allowed.`
    : decided ? `The hand is ${best.value ? "won" : "lost"} in every guessed deal, whatever you do; points differ.`
    : close.length > 1 ? `${close.map((option) => option.text).join(", ")} are too close to call.` : `${best.text} is best.`;
  return html`<section class="plays" aria-label="Best plays">
    <h3>Best ${plays.unit === "marks" ? "calls" : "plays"}</h3>
    <p class="verdict" role="status">${tie}</p>
    <ul>${plays.options.map((option) => html`<${Play} key=${option.text} option=${option} unit=${plays.unit} />`)}</ul>
    <p class="quiet effort">${plays.effort} guessed deals${thinking ? ", thinking on …" : ""}
      ${thinking
        ? html` <button class="small" onClick=${onStop}>Stop</button>`
        : plays.effort < 1024 && html` <button class="small" id="think-longer" onClick=${() => onMore(1024)}>Think longer</button>`}</p>
  </section>`;
}

function Play({ option, unit }) {
  const value = { win: percent(option.value), points: `${option.value.toFixed(1)} points`, marks: `${signed(option.value)} marks` }[unit];
  const width = { win: option.value, points: option.value / 42, marks: (option.value + 2) / 4 }[unit];
  const loss = unit === "win" ? percent(option.loss) : option.loss.toFixed(2);
  const spread = unit === "win" ? percent(2 * option.se) : (2 * option.se).toFixed(2);
  const domino = /^\d-\d$/.test(option.text);
  return html`<li class=${option.close ? "close" : ""}>
    <span class="what">${domino ? html`<${Domino} face=${option.text} lying /><span class="hidden-words">${option.text}</span>` : option.text}</span>
    <span class="measure"><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="8" rx="2" />
      <rect class="part" width=${Math.max(0, Math.min(100, 100 * width))} height="8" rx="2" /></svg></span>
    <span class="value">${value}</span>
    <span class="loss">${option.loss === 0 ? "best" : `−${loss} ± ${spread}`}${option.points === null ? "" : ` · ${option.points} pts`}</span>
  </li>`;
}

function signed(number) {
  return `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(2)}`;
}

export function Opinion({ opinion }) {
  const who = opinion.speaker === "simple bidder" ? `The shared bidder, which speaks for ${opinion.name},` : opinion.name;
  return html`<section class="opinion"><h3>${who} would ${/^\d-\d$/.test(opinion.chosen) ? "play" : "say"} ${opinion.chosen}</h3>
    <p class="quiet">${opinion.why}
    ${opinion.line.length > 1 ? html` It expects ${opinion.line.slice(0, 6).join(", ")}.` : ""}</p></section>`;
}

function Worlds({ worlds }) {
  const [number, setNumber] = useState(0);
  const shown = worlds.worlds[Math.min(number, worlds.worlds.length - 1)];
  const turn = (step) => setNumber((number + step + worlds.worlds.length) % worlds.worlds.length);
  return html`<section class="worlds"><h3>Guessed deals</h3>
    <p class="quiet">${worlds.possible.toLocaleString("en-US")} deals are possible. These ${worlds.worlds.length} are guesses, not the truth, drawn by ${worlds.drawn_by}.</p>
    <div class="flip"><button class="small" aria-label="Guess before" onClick=${() => turn(-1)}>‹</button>
      <span aria-live="polite">guess ${number + 1} of ${worlds.worlds.length}</span>
      <button class="small" aria-label="Next guess" onClick=${() => turn(1)}>›</button></div>
    ${["left", "partner", "right"].map((place, row) => html`<div class="world"><span class="place">${place}</span>
      <span role="img" aria-label=${`${place}: ${shown[row].join(", ")}`}>${shown[row].map((face) => html`<${Domino} key=${face} face=${face} />`)}</span></div>`)}
  </section>`;
}

function Hidden({ hidden }) {
  const [by, setBy] = useState(1);
  const share = (domino) => (domino.belief || domino.rules)[by];
  const sorted = [...hidden.dominoes].sort((a, b) => share(b) - share(a));
  return html`<section class="hidden-dominoes"><h3>Who holds what</h3>
    <p class="quiet">By the rules alone (gray)${hidden.who ? `, and as ${hidden.who} believes (gold).` : "."}</p>
    <div class="tabs" role="group" aria-label="Sort by">${hidden.places.map((place, number) => html`<button class="small" aria-pressed=${by === number} onClick=${() => setBy(number)}>${place}</button>`)}</div>
    <table><caption class="hidden-words">Chance that each seat holds each hidden domino</caption>
      <thead><tr><th scope="col"><span class="hidden-words">domino</span></th>${hidden.places.map((place) => html`<th scope="col">${place}</th>`)}</tr></thead>
      <tbody>${sorted.map((domino) => html`<tr key=${domino.domino}>
        <th scope="row"><${Domino} face=${domino.domino} lying /><span class="hidden-words">${domino.domino}</span></th>
        ${[0, 1, 2].map((place) => html`<td><${Shares} rules=${domino.rules[place]} belief=${domino.belief?.[place]} /></td>`)}</tr>`)}</tbody>
    </table></section>`;
}

function Shares({ rules, belief }) {
  return html`<span class="shares"><svg viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
      <rect class="by-rules" width=${100 * rules} height="5" y="0" />
      ${belief !== undefined && html`<rect class="by-belief" width=${100 * belief} height="5" y="7" />`}</svg>
    <span>${percent(belief ?? rules)}</span>${belief !== undefined && html`<span class="hidden-words">, by the rules alone ${percent(rules)}</span>`}</span>`;
}
