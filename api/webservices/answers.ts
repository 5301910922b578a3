import { z } from "zod";
import { ERRORS, type PublicError } from "../../core/errors.ts";
import { detailOf } from "../refusal.ts";
import { type TransactionView, transactionSchema } from "../transaction-schemas.ts";
import { shapeOf } from "../xml-shape.ts";
import { escapeAttribute, wrapXml, writeElement } from "../xml-writer.ts";
import { NAMESPACE } from "./namespaces.ts";

/** What is told of a refusal. */
export const errorSchema = z.object({
  code: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  requestId: z.string(),
});

const attributes = ` xmlns="${escapeAttribute(NAMESPACE)}"`;

/** The answer of a plain GET or POST. */
export function writeTransaction(transaction: TransactionView): string {
  return wrapXml(writeElement("Transaction", { shape: shapeOf(transactionSchema), value: transaction, attributes }));
}

/** The same as the result of a SOAP operation, as markup for a body. */
export function writeResponse(operation: string, transaction: TransactionView): string {
  const result = writeElement(`${operation}Result`, { shape: shapeOf(transactionSchema), value: transaction });
  return `<${operation}Response${attributes}>${result}</${operation}Response>`;
}

/** A refusal as an element: a whole plain answer when wrapped, or the detail of a fault. */
export function writeError(refusal: PublicError, requestId: string): string {
  const { title, status } = ERRORS[refusal.code];
  const value: z.infer<typeof errorSchema> = {
    code: refusal.code,
    title,
    status,
    detail: detailOf(refusal),
    requestId,
  };
  return writeElement("Error", { shape: shapeOf(errorSchema), value, attributes });
}
