import type { AccessTokenProfileName } from '../../../lib/index.js';
import { jws, type Jwk } from '../../../lib/testing/provider/keys.js';
import { T } from '../clock.js';
import type { CorrectProvider } from '../provider/provider.js';

/** A JWT as a provider's documents show it. Its issuer and its times are set when it is signed. */
export interface TokenShape {
  /** `typ` of the header; undefined: none. */
  readonly typ?: string;
  readonly claims: Jwk;
}

/** The tokens of a provider. */
export interface ProviderTokens {
  readonly profile: AccessTokenProfileName;
  /** What access tokens name in place of the issuer. */
  readonly accessTokenIssuer?: string;
  /** Whatever the tokens below name as their audience, ID tokens included: in these tests it keeps nothing out. */
  readonly audience: readonly string[];
  readonly accessTokens: Readonly<Record<string, TokenShape>>;
  /** ID tokens, and other tokens that must never pass. */
  readonly others: Readonly<Record<string, TokenShape>>;
}

/** Claims by which an ID token is bound to a login. A provider leaves them out where nobody asked. */
const LOGIN = ['nonce', 'at_hash', 'c_hash'];

/** The same ID token from a login without a nonce, and from a refresh. */
export function unbound({ claims, ...shape }: TokenShape): TokenShape {
  return { ...shape, claims: Object.fromEntries(Object.entries(claims).filter(([name]) => !LOGIN.includes(name))) };
}

/** Signs a token of a provider: valid for an hour, of the issuer that it says, else of the provider's own. */
export function signedToken(op: CorrectProvider, { typ, claims }: TokenShape, alg = 'RS256'): string {
  const key = op.key(alg);
  return jws({ typ, alg, kid: key.kid }, { iss: op.issuer, iat: T, exp: T + 3600, ...claims }, key, alg);
}

const ENTRA_USER = {
  tid: '9a0c2d4e-0000-4000-8000-0000000000aa',
  oid: '33333333-aaaa-4bbb-8ccc-000000000003',
  sub: 'pairwise-subject-1',
};
const ENTRA_API = '11111111-aaaa-4bbb-8ccc-000000000001';
const ENTRA_CLIENT = '22222222-aaaa-4bbb-8ccc-000000000002';

const ADFS_NAME = 'http://fs.example.com/adfs/services/trust';
const ADFS_CLIENT = '44444444-aaaa-4bbb-8ccc-000000000004';

const SHOP = { aud: ['100000000000000011@shop', '100000000000000010'], sub: '200000000000000001' };

const PING_CLIENT = '77777777-aaaa-4bbb-8ccc-000000000007';

const FUSION_CLIENT = '55555555-aaaa-4bbb-8ccc-000000000005';
const FUSION_USER = { aud: FUSION_CLIENT, sub: '66666666-aaaa-4bbb-8ccc-000000000006', tid: 't-0', sid: 's-1' };

/** The tokens of each provider that a profile is for, in the shapes that its documents give. All values are made up. */
export const PROVIDER_TOKENS = {
  rfc9068: {
    profile: 'rfc9068',
    audience: ['https://api.test', 'client-1'],
    accessTokens: {
      user: {
        typ: 'at+jwt',
        claims: {
          aud: 'https://api.test',
          sub: 'ada',
          client_id: 'client-1',
          jti: 't-1',
          scope: 'openid orders.read',
          groups: ['auditors'],
        },
      },
      machine: {
        typ: 'at+jwt',
        claims: { aud: 'https://api.test', sub: 'client-2', client_id: 'client-2', jti: 't-2', roles: ['clerk'] },
      },
    },
    others: {
      'ID token': { claims: { aud: 'client-1', sub: 'ada', nonce: 'n-1', at_hash: 'h-1', auth_time: T } },
    },
  },
  entra: {
    profile: 'entra',
    audience: [ENTRA_API, 'api://orders'],
    accessTokens: {
      'user, version 2': {
        typ: 'JWT',
        claims: {
          ...ENTRA_USER,
          aud: ENTRA_API,
          nbf: T,
          azp: ENTRA_CLIENT,
          azpacr: '1',
          scp: 'orders.read orders.write',
          roles: ['auditor'],
          uti: 'u-1',
          rh: '0.x',
          ver: '2.0',
        },
      },
      'machine, version 2': {
        typ: 'JWT',
        claims: {
          ...ENTRA_USER,
          sub: ENTRA_USER.oid,
          aud: ENTRA_API,
          nbf: T,
          azp: ENTRA_CLIENT,
          azpacr: '2',
          idtyp: 'app',
          roles: ['orders.read.all'],
          uti: 'u-2',
          ver: '2.0',
        },
      },
      'user, version 1': {
        typ: 'JWT',
        claims: {
          ...ENTRA_USER,
          aud: 'api://orders',
          nbf: T,
          acr: '1',
          amr: ['pwd'],
          appid: ENTRA_CLIENT,
          appidacr: '1',
          scp: 'orders.read',
          unique_name: 'ada@example.com',
          uti: 'u-3',
          ver: '1.0',
        },
      },
    },
    others: {
      // Users' roles are in ID tokens too.
      'ID token with roles': {
        typ: 'JWT',
        claims: {
          ...ENTRA_USER,
          aud: ENTRA_API,
          nbf: T,
          name: 'Ada',
          preferred_username: 'ada@example.com',
          roles: ['auditor'],
          nonce: 'n-1',
          uti: 'u-4',
          rh: '0.x',
          ver: '2.0',
        },
      },
    },
  },
  auth0: {
    profile: 'auth0',
    audience: ['https://api.example.com', 'client-1'],
    accessTokens: {
      user: {
        typ: 'JWT',
        claims: {
          sub: 'auth0|ada',
          aud: ['https://api.example.com', 'https://tenant.example-auth0.com/userinfo'],
          scope: 'openid orders:read',
          azp: 'client-1',
          permissions: ['orders:read'],
        },
      },
      machine: { typ: 'JWT', claims: { sub: 'client-2@clients', aud: 'https://api.example.com', azp: 'client-2' } },
    },
    others: {
      'ID token': {
        typ: 'JWT',
        claims: { sub: 'auth0|ada', aud: 'client-1', name: 'Ada', sid: 's-1', nonce: 'n-1' },
      },
    },
  },
  okta: {
    profile: 'okta',
    audience: ['api://default', 'client-1'],
    accessTokens: {
      user: {
        claims: {
          ver: 1,
          jti: 'AT.made-up',
          aud: 'api://default',
          cid: 'client-1',
          uid: '00u1',
          scp: ['openid', 'orders.read'],
          auth_time: T,
          sub: 'ada@example.com',
          groups: ['auditors'],
        },
      },
      machine: {
        claims: {
          ver: 1,
          jti: 'AT.made-up-2',
          aud: 'api://default',
          cid: 'client-2',
          scp: ['orders.read'],
          sub: 'client-2',
        },
      },
    },
    others: {
      'ID token': {
        claims: {
          ver: 1,
          jti: 'ID.made-up',
          aud: 'client-1',
          sub: '00u1',
          amr: ['pwd'],
          idp: '00o1',
          auth_time: T,
          at_hash: 'h-1',
          nonce: 'n-1',
        },
      },
    },
  },
  cognito: {
    profile: 'cognito',
    audience: ['client1', 'https://api.example.com'],
    accessTokens: {
      user: {
        claims: {
          sub: 'aaaaaaaa-0000-4000-8000-000000000001',
          'cognito:groups': ['auditors'],
          version: 2,
          client_id: 'client1',
          origin_jti: 'o-1',
          token_use: 'access',
          scope: 'openid https://api.example.com/orders.read',
          auth_time: T,
          jti: 't-1',
          username: 'ada',
        },
      },
      'with a resource binding': {
        claims: {
          sub: 'aaaaaaaa-0000-4000-8000-000000000001',
          aud: 'https://api.example.com',
          version: 2,
          client_id: 'client9',
          token_use: 'access',
          scope: 'https://api.example.com/orders.read',
          jti: 't-2',
          username: 'ada',
        },
      },
    },
    others: {
      'ID token': {
        claims: {
          sub: 'aaaaaaaa-0000-4000-8000-000000000001',
          'cognito:groups': ['auditors'],
          'cognito:username': 'ada',
          aud: 'client1',
          token_use: 'id',
          auth_time: T,
          jti: 't-3',
          at_hash: 'h-1',
        },
      },
    },
  },
  keycloak: {
    profile: 'keycloak',
    audience: ['orders-api', 'web'],
    accessTokens: {
      user: {
        typ: 'JWT',
        claims: {
          jti: 't-1',
          aud: ['orders-api', 'account'],
          sub: 'aaaaaaaa-0000-4000-8000-000000000001',
          typ: 'Bearer',
          azp: 'web',
          sid: 's-1',
          acr: '1',
          realm_access: { roles: ['auditor'] },
          resource_access: { 'orders-api': { roles: ['clerk'] }, account: { roles: ['admin'] } },
          scope: 'openid orders.read',
        },
      },
      'user, with typ at+jwt': {
        typ: 'at+jwt',
        claims: { jti: 't-2', aud: 'orders-api', sub: 'ada', typ: 'Bearer', azp: 'web', sid: 's-1', scope: 'openid' },
      },
      'user, before version 25': {
        typ: 'JWT',
        claims: { jti: 't-3', aud: 'orders-api', sub: 'ada', typ: 'Bearer', azp: 'web', nonce: 'n-1', scope: 'openid' },
      },
    },
    others: {
      'ID token': {
        typ: 'JWT',
        claims: {
          auth_time: T,
          jti: 't-4',
          aud: 'web',
          sub: 'aaaaaaaa-0000-4000-8000-000000000001',
          typ: 'ID',
          azp: 'web',
          nonce: 'n-1',
          sid: 's-1',
          at_hash: 'h-1',
        },
      },
      'refresh token': {
        typ: 'JWT',
        claims: { jti: 't-5', aud: 'web', sub: 'ada', typ: 'Refresh', azp: 'web', sid: 's-1', scope: 'openid' },
      },
    },
  },
  zitadel: {
    profile: 'zitadel',
    audience: ['100000000000000010'],
    accessTokens: {
      user: {
        typ: 'JWT',
        claims: {
          ...SHOP,
          nbf: T,
          client_id: '100000000000000011@shop',
          jti: 'V2_1-at_1',
          'urn:zitadel:iam:org:project:roles': { auditor: { '300000000000000001': 'acme.example.com' } },
        },
      },
    },
    others: {
      'ID token': {
        typ: 'JWT',
        claims: {
          ...SHOP,
          auth_time: T,
          amr: ['pwd'],
          azp: '100000000000000011@shop',
          client_id: '100000000000000011@shop',
          at_hash: 'h-1',
          sid: 'V1_1',
          nonce: 'n-1',
        },
      },
    },
  },
  authentik: {
    profile: 'authentik',
    audience: ['client-1'],
    accessTokens: {
      user: {
        typ: 'JWT',
        claims: {
          sub: 'hashed-1',
          aud: 'client-1',
          auth_time: T,
          acr: 'goauthentik.io/providers/oauth2/default',
          amr: ['pwd'],
          nonce: 'n-1',
          sid: 's-1',
          preferred_username: 'ada',
          groups: ['auditors'],
          azp: 'client-1',
          uid: 'random-1',
        },
      },
      machine: {
        typ: 'JWT',
        claims: {
          sub: 'hashed-2',
          aud: 'client-1',
          preferred_username: 'ak-shop-client_credentials',
          azp: 'client-1',
          uid: 'random-2',
        },
      },
    },
    others: {
      'ID token': {
        typ: 'JWT',
        claims: {
          sub: 'hashed-1',
          aud: 'client-1',
          auth_time: T,
          acr: 'goauthentik.io/providers/oauth2/default',
          amr: ['pwd'],
          nonce: 'n-1',
          sid: 's-1',
          preferred_username: 'ada',
          groups: ['auditors'],
        },
      },
    },
  },
  adfs: {
    profile: 'adfs',
    accessTokenIssuer: ADFS_NAME,
    audience: ['microsoft:identityserver:https://api.example.com', ADFS_CLIENT],
    accessTokens: {
      user: {
        typ: 'JWT',
        claims: {
          iss: ADFS_NAME,
          aud: 'microsoft:identityserver:https://api.example.com',
          upn: 'ada@example.com',
          roles: ['auditor'],
          apptype: 'Confidential',
          appid: ADFS_CLIENT,
          authmethod: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
          auth_time: '2027-01-15T08:00:00.000Z',
          ver: '1.0',
          scp: 'openid orders.read',
        },
      },
    },
    others: {
      // It has all claims of an access token.
      'ID token': {
        typ: 'JWT',
        claims: {
          aud: ADFS_CLIENT,
          nbf: T,
          auth_time: T,
          sub: 'base64subject=',
          upn: 'ada@example.com',
          unique_name: 'EXAMPLE\\ada',
          sid: 'S-1-5-21-1',
          nonce: 'n-1',
          apptype: 'Confidential',
          appid: ADFS_CLIENT,
          ver: '1.0',
          scp: 'openid',
        },
      },
    },
  },
  fusionauth: {
    profile: 'fusionauth',
    audience: [FUSION_CLIENT],
    accessTokens: {
      user: {
        typ: 'JWT',
        claims: {
          ...FUSION_USER,
          jti: 't-1',
          authenticationType: 'PASSWORD',
          applicationId: FUSION_CLIENT,
          roles: ['auditor'],
          scope: 'openid offline_access',
          auth_time: T,
        },
      },
    },
    others: {
      'ID token': {
        typ: 'JWT',
        claims: {
          ...FUSION_USER,
          jti: 't-2',
          authenticationType: 'PASSWORD',
          scope: 'openid offline_access',
          auth_time: T,
          at_hash: 'h-1',
          c_hash: 'h-2',
          nonce: 'n-1',
        },
      },
    },
  },
  pingone: {
    profile: 'pingone',
    audience: ['https://api.example.com', PING_CLIENT],
    accessTokens: {
      'user, with typ at+jwt': {
        typ: 'at+jwt',
        claims: {
          client_id: PING_CLIENT,
          jti: 't-1',
          aud: ['https://api.example.com'],
          scope: 'orders.read',
          sub: 'user-1',
          acr: 'Single_Factor',
          auth_time: T,
          env: 'env-1',
          org: 'org-1',
        },
      },
      'machine, without typ': {
        claims: {
          client_id: PING_CLIENT,
          jti: 't-2',
          aud: ['https://api.example.com'],
          scope: 'orders.read',
          env: 'env-1',
        },
      },
    },
    others: {
      'ID token': {
        claims: {
          sub: 'user-1',
          aud: PING_CLIENT,
          acr: 'Single_Factor',
          amr: ['pwd'],
          auth_time: T,
          at_hash: 'h-1',
          nonce: 'n-1',
          sid: 's-1',
        },
      },
    },
  },
  hydra: {
    profile: 'hydra',
    audience: ['https://api.example.com', 'client-1'],
    accessTokens: {
      user: {
        typ: 'JWT',
        claims: {
          aud: ['https://api.example.com'],
          client_id: 'client-1',
          ext: { roles: ['auditor'] },
          jti: 't-1',
          nbf: T,
          scp: ['openid', 'orders.read'],
          sub: 'ada',
        },
      },
    },
    others: {
      'ID token': {
        typ: 'JWT',
        claims: {
          at_hash: 'h-1',
          aud: ['client-1'],
          auth_time: T,
          jti: 't-2',
          nonce: 'n-1',
          rat: T,
          sid: 's-1',
          sub: 'ada',
        },
      },
    },
  },
  spring: {
    profile: 'spring',
    audience: ['client-1'],
    accessTokens: {
      user: { claims: { sub: 'ada', aud: ['client-1'], nbf: T, scope: ['openid', 'orders.read'], jti: 't-1' } },
      machine: { claims: { sub: 'client-1', aud: ['client-1'], nbf: T, scope: ['orders.read'], jti: 't-2' } },
    },
    others: {
      'ID token': {
        claims: {
          sub: 'ada',
          aud: ['client-1'],
          azp: 'client-1',
          auth_time: T,
          nonce: 'n-1',
          jti: 't-3',
          sid: 's-1',
        },
      },
    },
  },
  google: {
    profile: 'google',
    audience: ['web-1.apps.googleusercontent.com'],
    accessTokens: {
      'ID token of a user': {
        typ: 'JWT',
        claims: {
          azp: 'web-1.apps.googleusercontent.com',
          aud: 'web-1.apps.googleusercontent.com',
          sub: '10000000000000000001',
          hd: 'example.com',
          email: 'ada@example.com',
          email_verified: true,
          at_hash: 'h-1',
          nonce: 'n-1',
          jti: 't-1',
        },
      },
    },
    others: {},
  },
  firebase: {
    profile: 'firebase',
    audience: ['shop-1'],
    accessTokens: {
      'ID token of a user': {
        typ: 'JWT',
        claims: {
          aud: 'shop-1',
          auth_time: T,
          user_id: 'u1',
          sub: 'u1',
          email: 'ada@example.com',
          email_verified: true,
          role: 'auditor',
          firebase: { identities: {}, sign_in_provider: 'password' },
        },
      },
    },
    others: {},
  },
  supabase: {
    profile: 'supabase',
    audience: ['authenticated'],
    accessTokens: {
      user: {
        typ: 'JWT',
        claims: {
          sub: 'aaaaaaaa-0000-4000-8000-000000000001',
          aud: 'authenticated',
          email: 'ada@example.com',
          phone: '',
          app_metadata: { provider: 'email', roles: ['auditor'] },
          user_metadata: { roles: ['admin'] },
          role: 'authenticated',
          aal: 'aal1',
          amr: [{ method: 'password', timestamp: T }],
          session_id: 's-1',
          is_anonymous: false,
        },
      },
    },
    others: {},
  },
  clerk: {
    profile: 'clerk',
    audience: ['https://app.example.com'],
    accessTokens: {
      'session token': {
        typ: 'JWT',
        claims: {
          azp: 'https://app.example.com',
          fva: [1, -1],
          jti: 't-1',
          nbf: T - 10,
          sid: 'sess_1',
          sub: 'user_1',
          v: 2,
          o: { id: 'org_1', slg: 'acme', rol: 'admin', per: 'read,manage' },
        },
      },
    },
    others: {},
  },
  workos: {
    profile: 'workos',
    audience: ['https://api.example.com'],
    accessTokens: {
      'with the aud of a template': {
        claims: {
          aud: 'https://api.example.com',
          sub: 'user_1',
          org_id: 'org_1',
          role: 'member',
          roles: ['member'],
          permissions: ['orders:read'],
          entitlements: [],
          sid: 'session_1',
          jti: 't-1',
        },
      },
    },
    others: {
      // Nothing says which of WorkOS's customers it is for.
      'access token without aud': {
        claims: { sub: 'user_1', org_id: 'org_1', role: 'member', sid: 'session_1', jti: 't-2' },
      },
    },
  },
} satisfies Readonly<Partial<Record<AccessTokenProfileName, ProviderTokens>>>;
