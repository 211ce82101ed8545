import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Schema, inWords, sampleOf } from '../../client/api/schema.ts';
import { clientMessageSchema } from '../../src/stream/messages.ts';

const schemaOf = (type: z.ZodType) => z.toJSONSchema(type, { io: 'input' }) as Schema;

describe('a sample of a schema', () => {
  it.each(clientMessageSchema.options.map((option) => [option.shape.type.value, option] as const))(
    'is a message that the server takes: %s',
    (_, option) => {
      const schema = schemaOf(option);

      expect(new Ajv2020({ strict: false }).validate(schema as object, sampleOf(schema))).toBe(true);
    },
  );
});

it('tells types, choices and bounds in words', () => {
  expect(inWords(schemaOf(z.enum(['wav', 'mp3'])))).toBe('"wav" or "mp3"');
  expect(inWords(schemaOf(z.number().min(0.5).max(2)))).toBe('number, 0.5…2');
  expect(inWords(schemaOf(z.int()))).toBe('integer');
  expect(inWords(schemaOf(z.array(z.string())))).toBe('list of string');
  expect(inWords(schemaOf(z.string().nullable()))).toBe('string or null');
});
