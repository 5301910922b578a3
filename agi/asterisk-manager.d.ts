/** The part of asterisk-manager 0.2.0 that agi/ami.ts relies on; the package has no types of its own. */
declare module "asterisk-manager" {
  function makeManager<Reply>(
    /** Connects at once when there is one. */
    port: number | null,
    host: string,
    user: string,
    secret: string,
    /** Without effect: it is sent as `Event`, which Asterisk does not know; its own word is `Events`. */
    events?: boolean,
  ): makeManager.AsteriskManager<Reply>;

  namespace makeManager {
    /** What `emit("rawevent", …)` is handed is what the callback of its ActionID gets. */
    interface AsteriskManager<Reply> {
      /** Opens a socket with `net.createConnection(port, host)`. */
      connect(port: number, host: string): void;
      /** Sends Login through `this.action`; all other actions are held back until it has succeeded. */
      login(callback: (refusal?: Reply | null) => void): void;
      action: (
        fields: Readonly<Record<string, unknown>>,
        callback?: (refusal?: Reply | null, reply?: Reply) => void,
      ) => string;
      emit(name: "rawevent", reply: Reply): boolean;
      on(name: string, listener: (...values: never[]) => void): void;
      removeAllListeners(name: string): void;
      keepConnected(): void;
      disconnect(): void;
    }
  }
  export = makeManager;
}
