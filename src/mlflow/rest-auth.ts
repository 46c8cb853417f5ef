/**
 * How a request proves who sends it. A signed target brings its own {@link Authoriser}; everything else about
 * a request stays the same.
 */

/** One request as it is about to be sent. */
export interface OutgoingRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
}

export interface RefusedAnswer {
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A call that failed otherwise than by a refusal. */
export interface Failure {
  /** Null where no answer came. */
  readonly status: number | null;
  /** Such as `ENOTFOUND`; null where an answer came. */
  readonly systemCode: string | null;
  /** False until this server has answered a call with success. */
  readonly hasAnswered: boolean;
}

export interface Authoriser {
  /** The headers to add. Called for each attempt, since a signature ages. */
  authorise(request: OutgoingRequest): Promise<Readonly<Record<string, string>>>;
  /** Told of a 403. Where this is here, the request is authorised anew and sent once more. */
  onRefused?(answer: RefusedAnswer): void;
  /** A sentence for the message about a 403 that came again to a request for `url`. */
  explainRefusal?(answer: RefusedAnswer, url: URL): string;
  /** A sentence for the message about any other failure; null where there is nothing to add. */
  explainFailure?(failure: Failure): string | null;
  /** Texts that no message may hold; read anew for each message, since they change. */
  readonly secrets: readonly string[];
}

export interface Credentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
}

/**
 * Basic, bearer or no authorisation. As in MLflow, a username with its password wins over a token
 * (`mlflow/utils/rest_utils.py`). The header goes to `home`'s host alone: an artifact location may name
 * another one, and whoever may create experiments chooses it.
 */
export function createHeaderAuthoriser(credentials: Credentials, home: URL): Authoriser {
  const { username, password } = credentials;
  // A secret that was mounted from a file often ends with a line break, which no header can hold.
  const token = credentials.token?.trim();
  const isBasic = username !== undefined && username !== '' && password !== undefined;
  const basic = isBasic ? Buffer.from(`${username}:${password}`).toString('base64') : '';
  const authorization = isBasic ? `Basic ${basic}` : token ? `Bearer ${token}` : null;
  return {
    authorise: (request) =>
      Promise.resolve(
        authorization === null || request.url.hostname !== home.hostname ? {} : { authorization },
      ),
    secrets: [basic, isBasic ? password : '', token ?? ''].filter((secret) => secret.length >= 4),
  };
}
