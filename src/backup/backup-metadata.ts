/** What the metadata of a backup says about it. */
import { z } from 'zod';
import { AppError } from '../shared/errors.ts';

/** Which copy an object holds; also a row of the copy itself. */
export interface CopyIdentity {
  /** Copies of one lineage follow each other. */
  readonly lineage: string;
  /** 1 for the first copy of a lineage, one more for each after it. */
  readonly generation: number;
  /** The run that wrote it. */
  readonly writer: string;
}

export interface BackupMetadata extends CopyIdentity {
  /** Of the object's bytes, lower-case hex. */
  readonly sha256: string;
}

const prefix = 'langfuse-mlflow-';

const schema = z.object({
  format: z.literal('1'),
  lineage: z.string().min(1),
  generation: z.string().regex(/^[1-9]\d{0,14}$/),
  writer: z.string().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export function toObjectMetadata(metadata: BackupMetadata): Record<string, string> {
  return {
    [`${prefix}format`]: '1',
    [`${prefix}lineage`]: metadata.lineage,
    [`${prefix}generation`]: String(metadata.generation),
    [`${prefix}writer`]: metadata.writer,
    [`${prefix}sha256`]: metadata.sha256,
  };
}

/** Throws BACKUP_UNUSABLE for an object that this worker, or this version of it, did not write. */
export function parseObjectMetadata(
  metadata: Readonly<Record<string, string>>,
  url: string,
): BackupMetadata {
  const named = Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [name.replace(prefix, ''), value]),
  );
  const { format } = named;
  if (format !== undefined && format !== '1') {
    throw new AppError(
      'BACKUP_UNUSABLE',
      `The backup ${url} was written by a newer version of this worker (format ${format}).`,
      { hint: 'Use that version.' },
    );
  }
  const parsed = schema.safeParse(named);
  if (!parsed.success) {
    throw new AppError(
      'BACKUP_UNUSABLE',
      `${url} is not a backup of this worker's state: its metadata does not say so.`,
      { cause: parsed.error },
    );
  }
  const { lineage, generation, writer, sha256 } = parsed.data;
  return { lineage, generation: Number(generation), writer, sha256 };
}
