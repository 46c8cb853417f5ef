/** Artifacts of a worker without keys for S3, by links that a real MLflow signs for a real S3. */
import { CreateBucketCommand, GetObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { ArtifactWriter } from '../../src/mlflow/artifact-uri.ts';
import { openTarget } from '../../src/mlflow/open-target.ts';
import { createS3ArtifactWriter } from '../../src/mlflow/s3-artifacts.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { AppError } from '../../src/shared/errors.ts';
import type { RunRef, Target } from '../../src/sync/ports.ts';
import { startMlflowProxy, type MlflowProxy } from '../support/mlflow-proxy.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { startSeaweed, type S3Keys, type SeaweedServer } from '../support/seaweed-server.ts';
import { describeWithSeaweed } from '../support/seaweed-suite.ts';

const bucket = 'mlflow-artifacts';
const body = new TextEncoder().encode('# a transcript\n');
const upload = /^\/api\/2\.0\/mlflow\/artifacts\/presigned-upload-url/;

describeWithMlflow('links that MLflow signs', ['newest'], () => {
  describeWithSeaweed('on S3', () => {
    let s3: SeaweedServer;
    let mlflow: MlflowServer;
    /** In front of MLflow, to count and to refuse. */
    let proxy: MlflowProxy;

    beforeAll(async () => {
      const { folder, problem } = inject('boto3');
      if (folder === null) throw new Error(problem);
      s3 = await startSeaweed();
      await s3.client.send(new CreateBucketCommand({ Bucket: bucket }));
      mlflow = await startMlflowServer({
        version: 'newest',
        extraArgs: ['--no-serve-artifacts', '--default-artifact-root', `s3://${bucket}/team`],
        env: {
          PYTHONPATH: folder,
          AWS_ACCESS_KEY_ID: s3.keys.accessKeyId,
          AWS_SECRET_ACCESS_KEY: s3.keys.secretAccessKey,
          AWS_DEFAULT_REGION: 'us-east-1',
          MLFLOW_S3_ENDPOINT_URL: s3.url,
          MLFLOW_S3_UPLOAD_EXTRA_ARGS: '{"CacheControl": "no-store"}',
        },
      });
      proxy = await startMlflowProxy(mlflow.url);
    });

    afterAll(async () => {
      await proxy?.[Symbol.asyncDispose]();
      await mlflow?.stop();
      await s3?.[Symbol.asyncDispose]();
    });

    function toWriter(keys: S3Keys | null): ArtifactWriter {
      return createS3ArtifactWriter({
        region: () => Promise.resolve('us-east-1'),
        endpoint: s3.url,
        credentials: () =>
          keys === null
            ? Promise.reject(new AppError('AWS_CREDENTIALS', 'AWS gave no credentials.'))
            : Promise.resolve(keys),
        identityText: () => 'the worker',
        kmsKeyId: null,
        expectedOwner: null,
        timeoutMs: 30_000,
      });
    }

    /** A target with those keys, a run in it, and what was said. */
    async function open(
      keys: S3Keys | null,
      work: (target: Target, run: RunRef, notices: readonly string[]) => Promise<void>,
    ): Promise<void> {
      const notices: string[] = [];
      proxy.seen.length = 0;
      await using target = await openTarget(
        {
          trackingUri: proxy.url,
          timeoutMs: 30_000,
          maxRetries: 1,
          clock: systemClock,
          // As of a server beside which S3 is on the same host: nothing of it may go there.
          token: 'the-token-of-mlflow',
          onNotice: (message) => notices.push(message),
        },
        { s3: toWriter(keys) },
      );
      const { experimentId } = await target.ensureExperiment('by-link');
      const run = await target.createRun({ experimentId, name: 'r', startMs: 5, tags: {} });
      expect(run.artifactUri).toMatch(/^s3:\/\//);
      await work(target, run, notices);
    }

    const put = (target: Target, run: RunRef, path: string): Promise<void> =>
      target.putArtifact({ run, path, body, contentType: 'text/markdown' });
    const asked = (): number => proxy.seen.filter(({ path }) => upload.test(path)).length;

    it.each([
      ['has no keys', (): S3Keys | null => null],
      ['may only read', (): S3Keys | null => s3.readOnlyKeys],
    ])('a worker that %s puts and reads artifacts, and says why once', async (_who, keys) => {
      await open(keys(), async (target, run, notices) => {
        await put(target, run, 'sessions/übung 1.md');
        await put(target, run, 'tables/requests.json');
        const key = `${new URL(run.artifactUri).pathname.slice(1)}/sessions/übung 1.md`;
        const object = await s3.client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        expect(await object.Body?.transformToString()).toBe('# a transcript\n');
        // What the server signed with, it wants sent.
        expect(object.CacheControl).toBe('no-store');
        const read = await target.getArtifact({ run, path: 'sessions/übung 1.md' });
        expect(Buffer.from(read ?? [])).toEqual(Buffer.from(body));
        expect(await target.getArtifact({ run, path: 'not/there.md' })).toBeNull();
        expect(notices.filter((notice) => notice.includes('links that MLflow signs'))).toHaveLength(
          1,
        );
        // One for the capability, one for each artifact.
        expect(asked()).toBe(3);
      });
    });

    it('a worker with keys asks for no link', async () => {
      await open(s3.keys, async (target, run) => {
        await put(target, run, 'a.md');
        expect(asked()).toBe(0);
      });
    });

    it.each([403, 404])(
      'where MLflow refuses (HTTP %i), the first refusal stays',
      async (status) => {
        proxy.onRequest = ({ path }) => (upload.test(path) ? { status } : 'pass');
        await open(s3.readOnlyKeys, async (target, run) => {
          for (const path of ['a.md', 'b.md']) {
            await expect(put(target, run, path)).rejects.toMatchObject({
              code: 'MLFLOW_ARTIFACTS_DENIED',
              message: expect.stringContaining('s3:PutObject') as string,
            });
          }
          expect(asked()).toBe(1);
        });
        proxy.onRequest = () => 'pass';
      },
    );

    it('a link that S3 refuses is in no message', async () => {
      // Signed for another time: the answer repeats all that was signed.
      proxy.onRequest = ({ path, body: sent }) =>
        upload.test(path) && !sent.includes('doctor.txt')
          ? {
              status: 200,
              body: JSON.stringify({
                presigned_url: `${s3.url}/${bucket}/x?X-Amz-Signature=the-signature&X-Amz-Security-Token=the-session&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host`,
                headers: {},
              }),
            }
          : 'pass';
      await open(null, async (target, run) => {
        const error: unknown = await put(target, run, 'a.md').catch((caught: unknown) => caught);
        expect(error).toMatchObject({ code: 'MLFLOW_ARTIFACTS_DENIED' });
        expect(error instanceof Error ? error.message : '').toMatch(/HTTP 403 [A-Z]\w+\.$/);
        expect(String(error)).not.toMatch(/the-signature|the-session/);
      });
      proxy.onRequest = () => 'pass';
    });
  });
});
