// The page: a table that one sits down at, and what is around it.
import { html, render, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { get, post } from "./api.js";
import { Ask } from "./ask.js";
import { Controls, Say } from "./controls.js";
import { Domino } from "./domino.js";
import { useGame } from "./game.js";
import { Help } from "./help.js";
import { NewGame, TypeIn } from "./newgame.js";
import { Deal, Hands, Review } from "./review.js";
import { Summary } from "./summary.js";
import { Felt, TrickList, teams } from "./table.js";

// A browser may refuse to remember anything; the table does without.
const kept = (key, usual) => {
  try {
    return localStorage.getItem(`zeb42.${key}`) ?? usual;
  } catch {
    return usual;
  }
};
const keep = (key, value) => {
  try {
    localStorage.setItem(`zeb42.${key}`, value);
  } catch {
    // not remembered
  }
};

function App() {
  const [agents, setAgents] = useState(null);
  const [progress, setProgress] = useState({ ready: false, step: "laying the table" });
  const [pace, setPace] = useState(kept("pace", "usual"));
  const [theme, setTheme] = useState(kept("theme", ""));
  const [who, setWho] = useState(undefined);
  const [dialog, setDialog] = useState(null);
  const [layers, setLayers] = useState([]); // what lies over the table: reviews and summaries, the last on top
  const [keys, setKeys] = useState(kept("keys", "on") === "on");
  const game = useGame(pace);
  const { state } = game;

  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(() => watchProgress(setProgress), []);
  useEffect(() => {
    welcome(setAgents, setWho, setLayers, game).catch((error) => game.setTrouble(error.message));
  }, []);
  useShortcuts(game, !keys || dialog || layers.length);
  useFocus(layers.length ? null : state, game.busy);
  const lay = (layer) => {
    setDialog(null);
    setLayers((before) => [...before, layer]);
  };
  const review = (hand, seat) => lay({ show: Review, hand, seat });
  const takeAway = async () => {
    setLayers((before) => before.slice(0, -1));
    if (!state && layers.length === 1) await start({});
  };

  const start = async (wanted) => {
    try {
      game.sit(await post("/tables", wanted));
      setDialog(null);
      setLayers([]);
      return "";
    } catch (error) {
      return error.message;
    }
  };
  const choose = (key, set) => (event) => {
    set(event.target.value);
    keep(key, event.target.value);
  };
  return html`<header class="top">
      <h1><${Domino} face="4-2" /> Texas 42 <small>with Zeb</small></h1>
      <nav aria-label="Games">
        <button id="new-game" disabled=${!agents} onClick=${() => setDialog("new")}>New game</button>
        <button id="type-in" disabled=${!agents} onClick=${() => setDialog("bids")}>Type in a hand</button>
        <button id="hands" disabled=${!agents} onClick=${() => setDialog("hands")}>Hands</button>
        <button id="help" onClick=${() => setDialog("help")}>Help</button>
        <label class="pick">Pace <select value=${pace} onChange=${choose("pace", setPace)}>
          <option value="calm">calm</option><option value="usual">usual</option><option value="quick">quick</option><option value="at_once">at once</option></select></label>
        <label class="pick">Theme <select value=${theme} onChange=${choose("theme", setTheme)}>
          <option value="">system</option><option value="light">light</option><option value="dark">dark</option></select></label>
      </nav>
    </header>
    <main>
      ${!progress.ready && html`<p class="warming" role="status">Warming up: ${progress.error || progress.step} (${Math.round(progress.seconds || 0)} s). The first start after installation compiles for a minute or two; agents answer after that.</p>`}
      ${layers.map(({ show, ...layer }, depth) => html`<div key=${depth} class="layer" hidden=${depth < layers.length - 1}><${show} ...${layer}
        back=${depth ? "Back to the summary" : "Back to the table"} onReview=${review} onClose=${takeAway} /></div>`)}
      ${layers.length ? "" : state
        ? html`<${Table} game=${game} agents=${agents} who=${who} setWho=${setWho} onReview=${review} />`
        : html`<div class="welcome"><h2>Laying the table …</h2></div>`}
      ${!state && game.trouble && html`<p class="trouble" role="alert">${game.trouble}</p>`}
    </main>
    ${dialog === "new" && html`<${NewGame} agents=${agents} onClose=${() => setDialog(null)} onStart=${start} />`}
    ${dialog === "hands" && html`<${Hands} onClose=${() => setDialog(null)} onReview=${review} onSum=${(hands) => lay({ show: Summary, hands })} />`}
    ${dialog === "help" && html`<${Help} keys=${keys} onKeys=${(on) => (setKeys(on), keep("keys", on ? "on" : "off"))} onClose=${() => setDialog(null)} />`}
    ${dialog === "bids" && html`<${TypeIn} agents=${agents} onReview=${review} onClose=${() => setDialog(null)} />`}`;
}

function Table({ game, agents, who, setWho, onReview }) {
  const { state, busy, change } = game;
  const say = (words) => change("act", { action: words });
  return html`<div class="table" data-version=${state.version}>
      <div onClick=${game.hurry}><${Felt} state=${state} busy=${busy} onPlay=${say} calls=${html`<${Controls} state=${state} onSay=${say} busy=${busy} />`}>
        ${state.over && html`<${Result} state=${state} change=${change} onReview=${onReview} />`}
      </${Felt}></div>
      <p class="says" role="status" aria-live="polite">${state.says}</p>
      ${state.phase !== "tricks" && !state.over && html`<p class="quiet callers">${callers(state)}</p>`}
      ${game.trouble && html`<p class="trouble" role="alert">${game.trouble}</p>`}
      ${state.notes.map((note) => html`<p key=${note.version} class="note" role="status">${note.text}</p>`)}
      <div class="tools">
        <${Say} state=${state} onSay=${say} busy=${busy} />
        <button id="undo" disabled=${busy || !state.can.undo} onClick=${() => change("undo")} title="U">Take back</button>
        <button id="replay" disabled=${busy || !state.can.replay} onClick=${() => change("replay")}>Same hand again</button>
        ${!state.match && html`<button id="new-hand" disabled=${busy} onClick=${() => change("new")}>New hand</button>`}
      </div>
      ${Object.keys(state.invitations).length > 0 && html`<p class="quiet">Other people's places:
        ${Object.entries(state.invitations).map(([key, place]) => html` <a key=${key} href=${`#table=${key}`} target="_blank" rel="noopener">${place}</a>`)}</p>`}
    </div>
    <aside aria-label="Help and tricks">
      <h2 class="hidden-words">Help and tricks</h2>
      ${agents && html`<${Ask} state=${state} who=${who} levels=${agents.levels} onWho=${setWho} onError=${game.setTrouble} />`}
      <${Tricks} state=${state} />
    </aside>`;
}

// Who speaks for whom in the auction, in a sentence for each kind of caller.
function callers(state) {
  const of = (shared) => [...new Set(state.seats.filter((seat) => seat.calls && (seat.calls === "simple bidder") === shared).map((seat) => seat.name))];
  const sentence = (names, one, many) => (names.length ? `${names.join(" and ")} ${names.length > 1 ? many : one}. ` : "");
  return sentence(of(false), "bids for itself", "bid for themselves") + sentence(of(true), "leaves its bids to the shared bidder", "leave their bids to the shared bidder");
}

function Result({ state, change, onReview }) {
  const { over } = state;
  const good = over.score > 0;
  return html`<div class=${`result ${good ? "good" : ""}`}>
    <p class="headline">${over.match_over ? (state.watching ? `${teams(state)[over.won_match ? 0 : 1]} win the match.` : over.won_match ? "You win the match!" : "They win the match.") : over.text}</p>
    ${state.match && html`<p>Marks: ${teams(state)[0].toLowerCase()} ${state.marks[0]}, ${teams(state)[1].toLowerCase()} ${state.marks[1]}</p>`}
    <div class="result-buttons">
      <button id="next" class="primary" onClick=${() => change("next")}>${over.match_over ? "New match" : state.match ? "Next hand" : "New hand"}</button>
      <button id="review" onClick=${() => onReview(over.hand, state.watching ? null : state.seat)}>Review</button>
      <button onClick=${() => change("replay")}>Same hand again</button>
    </div>
    <p class="quiet">${[seedWords(state), over.number ? `hand ${over.number + 1}` : ""].filter(Boolean).join(", ")}</p>
  </div>`;
}

function seedWords({ over, match }) {
  if (over.seed !== null) return `seed ${over.seed}`;
  return match && !over.match_over ? "The match goes on; its seed is told when it ends" : "";
}

function Tricks({ state }) {
  const place = (seat) => state.seats[seat].called;
  return html`<section class="tricks"><h3>Tricks</h3>
    ${!state.tricks.length && html`<p class="quiet">None yet.</p>`}
    <${TrickList} tricks=${state.tricks} place=${place} seat=${state.seat} trumps=${state.trumps} />
    ${state.over && html`<h3>All hands</h3>${state.over.deal.map((dealt, seat) => html`<div class="world" key=${seat}><span class="place">${place(seat)}</span>
      <span role="img" aria-label=${`${place(seat)}: ${dealt.join(", ")}`}>${dealt.map((face) => html`<${Domino} key=${face} face=${face} trump=${state.trumps.includes(face)} />`)}</span></div>`)}
      <details><summary>As a line of notation</summary><code class="line">${state.over.hand}</code></details>`}
  </section>`;
}

// The hands that the command line brought along; else, where the table of the address is still open, back to it;
// otherwise a new match with the usual company.
async function welcome(setAgents, setWho, setLayers, game) {
  const agents = await get("/agents");
  setAgents(agents);
  setWho("Zeb");
  if (location.hash === "#shelf") {
    const { hands, beside } = await get("/shelf");
    if (beside) return setLayers([{ show: Deal, hands }]);
    if (hands.length) return setLayers([hands.length === 1 ? { show: Review, ...hands[0] } : { show: Summary, hands }]);
  }
  const open = location.hash.match(/^#table=([\w-]+)$/);
  const back = open && (await get(`/tables/${open[1]}`).catch(() => null));
  game.sit(back || (await post("/tables", {})));
}

function watchProgress(setProgress) {
  let timer = null;
  const look = async () => {
    const now = await get("/version").catch(() => null);
    if (now) setProgress(now);
    if (!now?.ready && !now?.error) timer = setTimeout(look, 400);
  };
  look();
  return () => clearTimeout(timer);
}

function useShortcuts(game, dialog) {
  const latest = useRef(null);
  latest.current = { game, dialog };
  useEffect(() => {
    const pressed = (event) => {
      const { game: now, dialog: open } = latest.current;
      if (open || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
      const state = now.state;
      const does = {
        u: () => state?.can.undo && now.change("undo"),
        n: () => state?.can.next && now.change("next"),
        a: () => document.getElementById("ask")?.click(),
        b: () => document.getElementById("ask-bids")?.click(),
        "/": () => document.getElementById("say")?.focus(),
      }[event.key.toLowerCase()];
      if (!does) return;
      event.preventDefault();
      does();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

// When it is the person's turn and nothing else has the focus, the keyboard is at what can be done.
// Not while an answer is awaited: what is disabled takes no focus.
function useFocus(state, busy) {
  const version = state?.version;
  useEffect(() => {
    if (busy || (!state?.your_turn && !state?.over)) return;
    const now = document.activeElement;
    const idle = !now || now === document.body || now.closest(".own, .calls, .result") || !now.isConnected;
    if (!idle) return;
    document.querySelector(".result .primary, .calls .call, .own .legal")?.focus({ preventScroll: true });
  }, [version, busy]);
}

render(html`<${App} />`, document.getElementById("app"));
