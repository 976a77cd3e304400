// One table as the browser follows it: states arrive as fast as agents play, and are shown at a pace that eyes follow.
import { useCallback, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { follow, get, post } from "./api.js";

const PACES = { calm: [900, 2200], usual: [520, 1300], quick: [160, 500], at_once: [0, 0] };

export function useGame(pace) {
  const [state, setState] = useState(null);
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);
  const inside = useRef({ queue: [], timer: null, newest: -1, shown: null, end: null, hurry: false });
  const speed = useRef(pace);
  speed.current = pace;

  const pump = useCallback(() => {
    const my = inside.current;
    if (my.timer !== null || !my.queue.length) return;
    const [play, trick] = PACES[speed.current] || PACES.usual;
    const next = my.queue[0];
    const shown = my.shown;
    const begins = !shown || shown.id !== next.id || moves(next) <= moves(shown) || next.number !== shown.number;
    const taken = shown?.trick && shown.trick.by !== null && moves(next) > moves(shown);
    const wait = begins || my.hurry || document.hidden ? 0 : taken ? trick : play;
    my.hurry = false;
    my.timer = setTimeout(() => {
      my.timer = null;
      my.shown = my.queue.shift();
      setState(my.shown);
      pump();
    }, wait);
  }, []);

  const receive = useCallback((next, own = false) => {
    const my = inside.current;
    if (next.version <= my.newest) return;
    my.newest = next.version;
    if (own) my.hurry = true;
    my.queue.push(next);
    pump();
  }, []);

  const sit = useCallback((first) => {
    const my = inside.current;
    my.end?.();
    clearTimeout(my.timer);
    Object.assign(my, { queue: [], timer: null, newest: -1, shown: null, hurry: false });
    receive(first, true);
    history.replaceState(null, "", `#table=${first.id}`);
    my.end = follow(first.id, (next) => (setTrouble(""), receive(next)), (closed) =>
      setTrouble(closed ? "This table is not open any more. Start a new game." : "The server does not answer. Trying again …"));
  }, []);

  // One request about the shown table; what is wrong is shown, and a table that changed elsewhere is looked at again.
  const change = useCallback(async (path, body = {}) => {
    const my = inside.current;
    setBusy(true);
    try {
      receive(await post(`/tables/${my.shown.id}/${path}`, { version: my.newest, ...body }), true);
      setTrouble("");
      return true;
    } catch (error) {
      setTrouble(error.message);
      if (error.status === 409) await get(`/tables/${my.shown.id}`).then((now) => receive(now, true)).catch(() => {});
      return false;
    } finally {
      setBusy(false);
    }
  }, []);

  // A click on the felt shows at once what is waiting to be shown.
  const hurry = useCallback(() => {
    const my = inside.current;
    if (my.timer === null || !my.queue.length) return;
    clearTimeout(my.timer);
    my.timer = null;
    my.hurry = true;
    pump();
  }, []);

  useEffect(() => () => inside.current.end?.(), []);
  return { state, trouble, setTrouble, busy, sit, change, hurry };
}

// How many actions a state has seen.
function moves(state) {
  const calls = state.seats.filter((seat) => seat.said).length;
  const trick = state.trick && state.trick.by === null ? state.trick.plays.length : 0;
  return calls + (state.trump ? 1 : 0) + 4 * state.tricks.length + trick;
}
