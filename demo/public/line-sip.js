/** A line to a real Asterisk: SIP over WebSocket, sound by WebRTC, keys as RFC 4733 events. */
// biome-ignore-all lint/style/noRestrictedImports: SIP.js has a folder called api, too; ours stays out of reach
import { Inviter } from "/vendor/sip.js/api/inviter.js";
import { Registerer } from "/vendor/sip.js/api/registerer.js";
import { SessionState } from "/vendor/sip.js/api/session-state.js";
import { UserAgent } from "/vendor/sip.js/api/user-agent.js";
import { defaultSessionDescriptionHandlerFactory } from "/vendor/sip.js/platform/web/session-description-handler/session-description-handler-factory-default.js";

const TONE_MS = 120;
const GAP_MS = 80;
const RECONNECT_MS_MAX = 10_000;

export function openLine(settings, tell) {
  const mouthpiece = openMouthpiece(tell);
  const agent = new UserAgent({
    uri: UserAgent.makeURI(`sip:${settings.user}@${settings.host}`),
    authorizationUsername: settings.user,
    authorizationPassword: settings.password,
    transportOptions: { server: settings.url },
    logLevel: "warn",
    sessionDescriptionHandlerFactory: defaultSessionDescriptionHandlerFactory(mouthpiece.stream),
    // Everything is on this machine, and no STUN server is asked: addresses are known at once, but for a busy machine.
    sessionDescriptionHandlerFactoryOptions: {
      iceGatheringTimeout: 5_000,
      peerConnectionConfiguration: { iceServers: [] },
    },
  });
  let session = null;
  let waiting = "";

  agent.delegate = { onDisconnect: (error) => error && connect() };
  const registerer = new Registerer(agent, { expires: 300 });
  void connect();

  async function connect(delay = 500) {
    if (!session) tell({ state: "connecting" });
    try {
      if (agent.isConnected()) return;
      await (agent.state === "Started" ? agent.reconnect() : agent.start());
      await registerer.register({
        requestDelegate: {
          onAccept: () => session || tell({ state: "ready" }),
          onReject: ({ message }) => tell({ state: "failed", sipStatus: message.statusCode }),
        },
      });
    } catch {
      setTimeout(() => connect(Math.min(delay * 2, RECONNECT_MS_MAX)), delay);
    }
  }

  function dial(number) {
    const target = UserAgent.makeURI(`sip:${number.replaceAll("#", "%23")}@${settings.host}`);
    const inviter = new Inviter(agent, target, {
      // Prompts, and the code on some numbers, come before the answer: they are heard, and keys are sent, by then.
      earlyMedia: true,
      sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } },
    });
    session = inviter;
    waiting = "";
    let rejectedWith = 0;
    let hungUp = false;
    let answered = false;
    inviter.stateChange.addListener((now) => {
      if (now === SessionState.Established) {
        answered = true;
        listen(inviter);
        tell({ state: "inCall" });
      }
      if (now !== SessionState.Terminated || session !== inviter) return;
      session = null;
      const state = hungUp || answered ? "ended" : outcomeOf(rejectedWith);
      tell({ state, sipStatus: rejectedWith || undefined });
    });
    inviter.hangUp = () => {
      hungUp = true;
      endSession(inviter);
    };
    mouthpiece
      .open()
      .then(() =>
        inviter.invite({
          requestDelegate: {
            onProgress: ({ message }) => {
              if (!message.body) return;
              queueMicrotask(() => listen(inviter));
              // It is told once its sound is set up, and by then the call may have been answered.
              if (inviter.state === SessionState.Establishing) tell({ state: "beforeAnswer" });
            },
            onReject: ({ message }) => {
              rejectedWith = message.statusCode;
            },
          },
        }),
      )
      .catch(() => {
        if (session === inviter) session = null;
        tell({ state: "failed" });
      });
  }

  function listen(inviter) {
    const handler = inviter.sessionDescriptionHandler;
    if (handler) tell({ sound: handler.remoteMediaStream });
    sendWaiting();
  }

  /** Keys pressed before the sound flows are kept and sent as soon as it does. */
  function key(digit) {
    waiting += digit;
    sendWaiting();
  }

  function sendWaiting() {
    if (!waiting || !session) return;
    const connection = session.sessionDescriptionHandler?.peerConnection;
    const tones = connection?.getSenders().find((sender) => sender.dtmf)?.dtmf;
    if (!tones?.canInsertDTMF || connection.connectionState !== "connected") {
      setTimeout(sendWaiting, 50);
      return;
    }
    // insertDTMF replaces what is still to be sent.
    tones.insertDTMF(tones.toneBuffer + waiting, TONE_MS, GAP_MS);
    waiting = "";
  }

  return { dial, key, hangUp: () => session?.hangUp(), speak: mouthpiece.speak };
}

function outcomeOf(sipStatus) {
  if (sipStatus === 487) return "ended";
  if (sipStatus === 486 || sipStatus === 600) return "busy";
  return [403, 404, 603].includes(sipStatus) ? "refused" : "failed";
}

function endSession(inviter) {
  if (inviter.state === SessionState.Established) inviter.bye();
  else if (inviter.state === SessionState.Initial || inviter.state === SessionState.Establishing) inviter.cancel();
}

/**
 * What goes out on the line: silence, since tones are sent only where sound is, and the microphone for as long as it is turned on. Nobody
 * is asked for it before: paying needs none. All calls share one mixer, so that it can be turned on and off in mid-call.
 */
function openMouthpiece(tell) {
  let mixer = null;
  let microphone = null;

  /** On a click, before which a browser lets no page make a sound. */
  async function open() {
    mixer ??= quietMixer();
    await mixer.context.resume();
  }

  async function speak(on) {
    try {
      await open();
      for (const track of microphone?.mediaStream.getTracks() ?? []) track.stop();
      microphone?.disconnect();
      microphone = on ? mixer.context.createMediaStreamSource(await askForMicrophone()) : null;
      microphone?.connect(mixer);
      tell({ microphone: on ? "on" : "off" });
    } catch {
      microphone = null;
      tell({ microphone: "denied" });
    }
  }

  /** SIP.js stops the tracks it was given when a call ends: each call gets its own. */
  return { open, speak, stream: async () => mixer.stream.clone() };
}

function askForMicrophone() {
  if (!navigator.mediaDevices) throw new Error("no microphone on a page without HTTPS");
  return navigator.mediaDevices.getUserMedia({ audio: true });
}

function quietMixer() {
  const context = new AudioContext();
  const source = context.createOscillator();
  const mute = context.createGain();
  mute.gain.value = 0;
  const mixer = context.createMediaStreamDestination();
  source.connect(mute).connect(mixer);
  source.start();
  return mixer;
}
