import { ControllerError, type FieldProblem } from "../../errors.ts";

/** VALIDATION_ERROR that names every wrong field. */
export function invalidFields(fields: readonly FieldProblem[]): ControllerError {
  const named = fields.slice(0, 5).map(({ path, message }) => `${path}: ${message}`);
  const more = fields.length > 5 ? `; and ${fields.length - 5} more` : "";
  return new ControllerError("VALIDATION_ERROR", {
    message: fields.length === 1 ? `one field is wrong: ${named[0]}` : `${fields.length} fields are wrong`,
    details: named.join("; ") + more,
    fields: fields.slice(0, 100),
  });
}
