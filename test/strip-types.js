import { stripTypeScriptTypes } from "node:module";

/** The whole of the compilation: Node's own type stripping, so that tests run the very text that production runs. */
export default { process: (source) => ({ code: stripTypeScriptTypes(source) }) };
