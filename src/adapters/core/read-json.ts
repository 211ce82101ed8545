import { z } from 'zod';
import { VisavisError } from '../../errors.ts';

/** A message whose field is wrong. */
export class BadField extends VisavisError {
  /** Path of the field, such as `voice.id`; null: the whole message. */
  readonly field: string | null;

  constructor(message: string, field: string | null) {
    super('bad_message', message);
    this.field = field;
  }
}

/** Checks a value by a schema. @throws {BadField} naming the first field that is wrong, what was expected and what came. */
export const readValue = <Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> => {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  const field = issue && issue.path.length > 0 ? issue.path.join('.') : null;
  throw new BadField(`${field === null ? '' : `${field}: `}${issue?.message ?? 'wrong value'}`, field);
};

/** Reads JSON and checks it. @throws {BadField} */
export const readJson = <Schema extends z.ZodType>(schema: Schema, text: string): z.infer<Schema> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadField('expected JSON, got something else', null);
  }
  return readValue(schema, value);
};
