/** A line to a real Asterisk: SIP over WebSocket, sound by WebRTC, keys as RFC 4733 events. */
// biome-ignore-all lint/style/noRestrictedImports: SIP.js has a folder called api, too; ours stays out of reach
import { Inviter } from "/vendor/sip.js/api/inviter.js";
import { Registerer } from "/vendor/sip.js/api/registerer.js";
import { SessionState } from "/vendor/sip.js/api/session-state.js";
import { UserAgent } from "/vendor/sip.js/api/user-agent.js";
import { defaultSessionDescriptionHandlerFactory } from "/vendor/sip.js/platform/web/session-description-handler/session-description-handler-factory-default.js";

const TONE_MS = 120;
const GAP_MS = 80;
/** A question about the microphone that nobody answers must not keep the call waiting. */
const MICROPHONE_QUESTION_MS = 8_000;
const RECONNECT_MS_MAX = 10_000;

export function openLine(settings, tell) {
  const microphone = openMicrophone(tell);
  const agent = new UserAgent({
    uri: UserAgent.makeURI(`sip:${settings.user}@${settings.host}`),
    authorizationUsername: settings.user,
    authorizationPassword: settings.password,
    transportOptions: { server: settings.url },
    logLevel: "warn",
    sessionDescriptionHandlerFactory: defaultSessionDescriptionHandlerFactory(microphone.stream),
    // Everything is on this machine: no STUN server is asked, and nothing is waited for.
    sessionDescriptionHandlerFactoryOptions: {
      iceGatheringTimeout: 500,
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
    inviter.stateChange.addListener((state) => {
      if (state === SessionState.Established) {
        listen(inviter);
        tell({ state: "inCall" });
      }
      if (state !== SessionState.Terminated || session !== inviter) return;
      session = null;
      tell({ state: hungUp ? "ended" : outcomeOf(rejectedWith), sipStatus: rejectedWith || undefined });
    });
    inviter.hangUp = () => {
      hungUp = true;
      endSession(inviter);
    };
    microphone
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

  return { dial, key, hangUp: () => session?.hangUp(), speak: (on) => microphone.speak(on) };
}

function outcomeOf(sipStatus) {
  if (sipStatus === 0 || sipStatus === 487) return "ended";
  if (sipStatus === 486 || sipStatus === 600) return "busy";
  return [403, 404, 603].includes(sipStatus) ? "refused" : "failed";
}

function endSession(inviter) {
  if (inviter.state === SessionState.Established) inviter.bye();
  else if (inviter.state === SessionState.Initial || inviter.state === SessionState.Establishing) inviter.cancel();
}

/**
 * The microphone, muted until asked for: paying needs none. Without one, or without leave to use it, a silent track takes
 * its place, since tones are sent only where sound is.
 */
function openMicrophone(tell) {
  let opened = null;

  function open() {
    opened ??= ask().then(
      (stream) => {
        tell({ microphone: "off" });
        return stream;
      },
      () => {
        tell({ microphone: "denied" });
        return silence();
      },
    );
    return opened;
  }

  async function ask() {
    if (!navigator.mediaDevices) throw new Error("no microphone on a page without HTTPS");
    const given = navigator.mediaDevices.getUserMedia({ audio: true });
    const late = new Promise((_, reject) => setTimeout(reject, MICROPHONE_QUESTION_MS, new Error("no reply")));
    const stream = await Promise.race([given, late]);
    for (const track of stream.getAudioTracks()) track.enabled = false;
    return stream;
  }

  return {
    open,
    /** SIP.js stops the tracks it was given when a call ends: each call gets its own. */
    stream: async () => (await open()).clone(),
    async speak(on) {
      const stream = await open();
      for (const track of stream.getAudioTracks()) track.enabled = on;
      tell({ microphone: on ? "on" : "off" });
    },
  };
}

async function silence() {
  const context = new AudioContext();
  const source = context.createOscillator();
  const mute = context.createGain();
  mute.gain.value = 0;
  const sink = context.createMediaStreamDestination();
  source.connect(mute).connect(sink);
  source.start();
  await context.resume();
  return sink.stream;
}
