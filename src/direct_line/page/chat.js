// The page at /chat: the real Web Chat, talking Direct Line to the bot that serves the page.
//
// The page never has the secret. POST /chat/token gives it a token for one conversation, and later a fresh token for the
// same conversation in exchange for the old one. The token lies in this origin's storage, so that a reload and a new tab
// go on where the conversation was; the history comes from the bot.
"use strict";

(() => {
  const nonce = document.currentScript.nonce;
  const place = "tern.chat";
  const domain = new URL("/v3/directline", location.href).href;
  const state = document.getElementById("state");
  const chat = document.getElementById("chat");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  // For networks without WebSocket: /chat?transport=polling
  const polling = new URLSearchParams(location.search).get("transport") === "polling";
  const longestPause = 30_000;
  const endOfConversation = 1_000; // the code with which the bot closes a socket then
  const refreshes = 1_800; // seconds: Web Chat refreshes a token in time that is good for so long

  let session = null; // the conversation that is shown: { conversationId, token, begun, line, store, element }
  let pause = 1_000; // before the next attempt
  let timer = 0;
  let renewal = 0; // the timer for a fresh token
  let attempts = 0; // the last one counts

  function tell(kind, text) {
    if (state.dataset.state === kind && state.textContent === text) return;
    state.dataset.state = kind;
    state.textContent = text;
  }

  function notice(text) {
    const line = document.createElement("p");
    line.className = "notice";
    line.textContent = text;
    chat.replaceChildren(line);
  }

  // --- what is remembered ----------------------------------------------------------------------------------------------

  // A browser may forbid storage: then a reload begins a new conversation.
  function recall() {
    try {
      const kept = JSON.parse(localStorage.getItem(place));
      return kept && typeof kept.token === "string" && typeof kept.conversationId === "string" ? kept : null;
    } catch {
      return null;
    }
  }

  function remember({ conversationId, token, begun }) {
    try {
      localStorage.setItem(place, JSON.stringify({ conversationId, token, begun }));
    } catch {
      // see recall
    }
  }

  function forget() {
    try {
      localStorage.removeItem(place);
    } catch {
      // see recall
    }
  }

  // Web Chat refreshes its token by itself. The last one is the one that lives longest. Another tab may have begun another
  // conversation meanwhile.
  function rememberToken() {
    if (!session?.line || recall()?.conversationId !== session.conversationId) return;
    session.token = session.line.directLine.token;
    remember(session);
  }

  // --- tokens ------------------------------------------------------------------------------------------------------------

  class Refused extends Error {
    constructor(status, text) {
      super(text);
      this.status = status;
    }
  }

  async function read(response) {
    const body = await response.json().catch(() => ({}));
    if (!response.ok) throw new Refused(response.status, body?.error?.message ?? `The bot answered ${response.status}.`);
    return body;
  }

  // A token for the conversation of `old`, or for a new conversation without it.
  async function askToken(old) {
    return read(
      await fetch("/chat/token", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(old ? { token: old } : {}),
        cache: "no-store",
      }),
    );
  }

  // Whether trying the same again may help.
  const mayPass = (error) => !(error instanceof Refused) || error.status === 429 || error.status >= 500;

  // --- the connection ----------------------------------------------------------------------------------------------------

  // Web Chat's client says nothing while it waits to connect again, so the page looks at the connections themselves.
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      const line = session?.line;
      if (!line) return;
      this.addEventListener("open", () => {
        line.sockets.add(this);
        found(line);
      });
      this.addEventListener("close", ({ code }) => {
        line.sockets.delete(this);
        if (code === endOfConversation) ended(line);
        else if (!line.sockets.size) lost(line, 20_000);
      });
    }
  };

  // A client that polls gives up at the first failure.
  window.XMLHttpRequest = class extends XMLHttpRequest {
    open(method, url, ...more) {
      const line = session?.line;
      if (polling && line && method === "GET" && url.includes("/activities?")) {
        this.addEventListener("loadend", () => {
          if (this.status >= 200 && this.status < 300) found(line);
          else if (this.status === 0 || this.status >= 500) lost(line, 3_000);
        });
      }
      super.open(method, url, ...more);
    }
  };

  function found(line) {
    if (line !== session?.line) return;
    clearTimeout(timer);
    tell("online", "Connected");
  }

  // What the bot has said last is there. A reload begins a new conversation.
  function ended(line) {
    if (line !== session?.line) return;
    clearTimeout(timer);
    if (recall()?.conversationId === session.conversationId) forget();
    tell("ended", "This conversation has ended.");
  }

  // The client itself connects again after 3 to 15 s. Where it does not succeed, the page begins anew with a fresh token.
  function lost(line, patience) {
    if (line !== session?.line) return;
    tell("lost", "Connection lost. Trying again…");
    clearTimeout(timer);
    timer = setTimeout(() => line === session?.line && connect(session), patience);
  }

  function end(line) {
    line.watching.unsubscribe();
    line.directLine.end();
    for (const socket of line.sockets) socket.close();
  }

  // A fresh token, and a line of Direct Line with it. The transcript stays, and the bot sends what it lacks.
  async function connect(whose) {
    clearTimeout(timer);
    const attempt = ++attempts;
    tell("connecting", "Connecting…");
    try {
      whose.token = whose.line?.directLine.token || whose.token;
      const given = await askToken(whose.token);
      if (whose.begun) {
        const known = `${domain}/conversations/${given.conversationId}?watermark=`;
        await read(await fetch(known, { headers: { Authorization: `Bearer ${given.token}` } }));
      }
      if (attempt !== attempts) return;
      Object.assign(whose, { conversationId: given.conversationId, token: given.token });
      remember(whose);
      lay(whose);
      renewInTime(whose, given.expires_in);
    } catch (error) {
      if (attempt !== attempts) return;
      if (mayPass(error)) return failed(whose, error);
      forget(); // the bot has another secret, or knows the conversation no longer
      if (!whose.token) return failed(whose, error);
      if (whose.line) return tell("ended", "This conversation has ended.");
      begin();
    }
  }

  function renewInTime(whose, lifetime) {
    clearTimeout(renewal);
    if (lifetime >= refreshes) return;
    renewal = setTimeout(async () => {
      const { directLine } = whose.line;
      const given = await askToken(directLine.token).catch(() => null);
      if (whose !== session || directLine !== whose.line.directLine) return;
      if (given) {
        directLine.token = given.token;
        rememberToken();
      }
      renewInTime(whose, lifetime);
    }, lifetime * 500);
  }

  function lay(whose) {
    const old = whose.line;
    const line = { sockets: new Set() };
    whose.line = line;
    line.directLine = WebChat.createDirectLine({
      ...(whose.begun ? { conversationId: whose.conversationId, watermark: old?.directLine.watermark ?? "" } : {}),
      conversationStartProperties: { locale: navigator.language },
      domain,
      token: whose.token,
      webSocket: !polling,
    });
    line.watching = line.directLine.connectionStatus$.subscribe((status) => onStatus(whose, line, status));
    show(whose);
    if (old) end(old);
  }

  // Tries again after a while, and after a longer one each time.
  function failed(whose, error) {
    const why = error instanceof Refused && error.status < 500 ? error.message : "The bot cannot be reached.";
    tell("lost", `${why} Trying again in ${Math.round(pause / 1_000)} s…`);
    clearTimeout(timer);
    timer = setTimeout(() => whose === session && connect(whose), pause);
    pause = Math.min(2 * pause, longestPause);
  }

  const status = { online: 2, expired: 3, failed: 4, ended: 5 }; // as botframework-directlinejs has them

  function onStatus(whose, line, now) {
    if (line !== whose.line || whose !== session) return;
    if (now === status.online) {
      pause = 1_000;
      whose.begun = true;
      rememberToken();
    } else if (now === status.expired) {
      // As after a night of the machine. Not at once, because the client is in the midst of telling.
      setTimeout(() => line === session?.line && connect(session));
    } else if (now === status.failed) {
      failed(whose);
    } else if (now === status.ended) {
      ended(line);
    }
  }

  // --- what is shown -----------------------------------------------------------------------------------------------------

  // Web Chat hands its nonce to all parts but the one that scrolls, whose style the policy would refuse.
  const createElement = document.createElement.bind(document);
  document.createElement = (...args) => {
    const made = createElement(...args);
    if (made instanceof HTMLStyleElement) made.nonce = nonce;
    return made;
  };

  // Three dots, still where the system asks for less motion. Web Chat's own picture has a white ground.
  function dots(colour) {
    const circles = [12, 32, 52].map((x, i) => `<circle cx="${x}" cy="10" r="5" style="animation-delay:${i * 160}ms"/>`);
    const style =
      `circle{fill:${colour};animation:t 1.2s infinite}@keyframes t{0%,60%,100%{opacity:.35}30%{opacity:1}}` +
      "@media (prefers-reduced-motion:reduce){circle{animation:none}}";
    const picture = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="20"><style>${style}</style>${circles.join("")}</svg>`;
    return `url("data:image/svg+xml,${encodeURIComponent(picture)}")`;
  }

  function styles() {
    const font = getComputedStyle(document.body).fontFamily;
    const [paper, ink, quiet, accent, bubble, line, own] = dark.matches
      ? ["#16171b", "#ececf1", "#a9aab6", "#a8c7fa", "#26272e", "#3a3b44", "#1f3a63"]
      : ["#ffffff", "#1b1b1f", "#5a5a66", "#0b57d0", "#f1f1f5", "#d6d6de", "#dbe8fd"];
    return {
      accent,
      backgroundColor: paper,
      bubbleBackground: bubble,
      bubbleBorderRadius: 10,
      bubbleBorderWidth: 0,
      bubbleTextColor: ink,
      bubbleFromUserBackground: own,
      bubbleFromUserBorderRadius: 10,
      bubbleFromUserBorderWidth: 0,
      bubbleFromUserTextColor: ink,
      cardEmphasisBackgroundColor: dark.matches ? "#30313a" : "#e6e6ec",
      messageActivityWordBreak: "break-word",
      primaryFont: font,
      monospaceFont: "ui-monospace, Consolas, 'DejaVu Sans Mono', monospace",
      sendBoxBackground: paper,
      sendBoxBorderTop: `solid 1px ${line}`,
      sendBoxButtonColor: quiet,
      sendBoxButtonColorOnFocus: accent,
      sendBoxButtonColorOnHover: accent,
      sendBoxPlaceholderColor: quiet,
      sendBoxTextColor: ink,
      subtle: quiet,
      suggestedActionBackgroundColor: paper,
      suggestedActionBorderColor: accent,
      suggestedActionTextColor: accent,
      timestampColor: quiet,
      toastInfoBackgroundColor: bubble,
      toastInfoColor: ink,
      typingAnimationBackgroundImage: dots(quiet),
    };
  }

  // The colours of Adaptive Cards, which have their own.
  function cards() {
    const [text, quiet, accent] = dark.matches ? ["#ececf1", "#a9aab6", "#a8c7fa"] : ["#1b1b1f", "#5a5a66", "#0b57d0"];
    const colours = { default: { default: text, subtle: quiet }, accent: { default: accent, subtle: accent } };
    return { containerStyles: { default: { foregroundColors: colours }, emphasis: { foregroundColors: colours } } };
  }

  function show(whose) {
    WebChat.renderWebChat(
      {
        // The line at the top says it.
        activityMiddleware: () => (next) => (shown) => shown.activity.type === "endOfConversation" ? false : next(shown),
        adaptiveCardsHostConfig: cards(),
        directLine: whose.line.directLine,
        locale: navigator.language,
        nonce,
        store: whose.store,
        styleOptions: styles(),
      },
      whose.element,
    );
    if (!whose.focused && matchMedia("(pointer: fine)").matches) {
      whose.focused = true;
      setTimeout(() => whose.element.querySelector("[data-id=webchat-sendbox-input]")?.focus());
    }
  }

  // The kept conversation, or a new one.
  function begin() {
    session = { ...recall(), line: null, store: WebChat.createStore(), element: document.createElement("div") };
    session.element.style.height = "100%";
    chat.replaceChildren(session.element);
    connect(session);
  }

  function beginAgain() {
    forget();
    if (session?.line) end(session.line);
    pause = 1_000;
    begin();
  }

  if (typeof WebChat === "undefined") {
    tell("ended", "Web Chat is missing.");
    document.getElementById("again").hidden = true;
    notice(
      "The bot runs, but the program Web Chat is not there for it to serve. Run ./dev web-chat in the source tree of " +
        "Tern, or set direct_line.page_folder to a folder with webchat.js, and start the bot again.",
    );
    return;
  }
  document.getElementById("again").addEventListener("click", beginAgain);
  dark.addEventListener("change", () => session?.line && show(session));
  addEventListener("pagehide", rememberToken);
  setInterval(rememberToken, 60_000);
  begin();
})();
