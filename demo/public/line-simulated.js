/**
 * A line to the simulator that takes Asterisk's place where there is none. What it speaks, with bodies as
 * application/x-www-form-urlencoded and leave for this page's origin (CORS):
 *
 *   POST {url}/calls           number=0900900904     201 {"id": "…"}
 *   GET  {url}/calls/{id}                            text/event-stream; each message is JSON with any of
 *                                                      state:  ringing | beforeAnswer | inCall | ended | busy | refused | failed
 *                                                      prompt: the words that would be heard now, "" for none
 *   POST {url}/calls/{id}/keys      key=4            204
 *   POST {url}/calls/{id}/hang-up                    204; the event stream then says "ended" and closes
 */
const OVER = ["ended", "busy", "refused", "failed"];

export function openLine(settings, tell) {
  let call = null;
  tell({ state: "ready" });

  async function dial(number) {
    const mine = { address: null, keys: Promise.resolve(), over: false };
    call = mine;
    try {
      const made = await post(`${settings.url}/calls`, { number });
      const { id } = await made.json();
      mine.address = `${settings.url}/calls/${encodeURIComponent(id)}`;
      if (mine.over) return void (await post(`${mine.address}/hang-up`));
      const events = new EventSource(mine.address);
      events.onmessage = ({ data }) => {
        const news = JSON.parse(data);
        if (!OVER.includes(news.state)) return tell(news);
        events.close();
        end(mine, news);
      };
      events.onerror = () => events.readyState === EventSource.CLOSED && end(mine, { state: "failed" });
    } catch {
      end(mine, { state: "failed" });
    }
  }

  function end(ended, news) {
    if (call !== ended) return;
    call = null;
    tell(news);
  }

  /** One after the other, so that digits arrive in the order they were keyed. */
  function key(digit) {
    const mine = call;
    if (!mine) return;
    mine.keys = mine.keys.then(() => mine.address && post(`${mine.address}/keys`, { key: digit })).catch(() => {});
  }

  function hangUp() {
    if (!call) return;
    call.over = true;
    if (call.address) post(`${call.address}/hang-up`).catch(() => {});
    else end(call, { state: "ended" });
  }

  return { dial, key, hangUp };
}

async function post(address, values = {}) {
  // keepalive: a page that is being closed still hangs up.
  const response = await fetch(address, { method: "POST", body: new URLSearchParams(values), keepalive: true });
  if (!response.ok) throw new Error(`the line answers ${response.status}`);
  return response;
}
