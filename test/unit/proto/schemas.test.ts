import { describe, expect, it } from 'vitest';
import { primitive, readTable, tableBytes } from '../../../proto/flight/tables.js';
import { checkTable, METADATA_KIND, METADATA_VERSION, tableMetadata } from '../../../proto/schemas.js';

const table = (metadata: Map<string, string>) => readTable(tableBytes([primitive('unit', Int32Array.of(0, 1))], { metadata }));

describe('checkTable', () => {
  it('gives the metadata of a table of the kind and version that this reader knows', () => {
    expect(checkTable(table(tableMetadata('reward', { run: 'a' })), 'reward', ['unit'])).toEqual({ run: 'a' });
  });

  it.each([
    ['another version', new Map([...tableMetadata('reward', {}), [METADATA_VERSION, '2']]), 'version 2'],
    ['another kind', tableMetadata('label', {}), 'kind label'],
    ['no metadata', new Map<string, string>(), 'kind none'],
    ['a missing column', tableMetadata('reward', {}), 'value'],
  ])('refuses %s, and says what was expected and what came', (_what, metadata, said) => {
    const columns = _what === 'a missing column' ? ['unit', 'value'] : ['unit'];
    expect(() => checkTable(table(metadata), 'reward', columns)).toThrow(expect.objectContaining({ code: 'LAUREL_SCHEMA_MISMATCH', message: expect.stringContaining(said) }));
  });

  it('names kind and version in the schema of every table', () => {
    expect(table(tableMetadata('segment', {})).schema.metadata.get(METADATA_KIND)).toBe('segment');
  });
});
