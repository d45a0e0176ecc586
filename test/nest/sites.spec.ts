import { describe, expect, it } from '@jest/globals';

import { Sites } from '../../lib/nest/sites.js';

const request = (host: string) => ({ method: 'GET', url: '/', rawHeaders: [], headers: { host } });

const sitesOf = (redirect_uris: readonly string[] | undefined) => Sites.of({ metadata: { redirect_uris } });

describe('Sites', () => {
  it('SESS-17 refuses http for any host but this machine', () => {
    for (const uri of [
      'http://app.test/cb',
      'http://127.0.0.1.evil.test/cb',
      'http://localhost.evil.test/cb',
      'http://notlocalhost/cb',
      'com.example.app:/cb',
      'not a URL',
    ]) {
      expect(() => sitesOf([uri])).toThrow('client.redirect_uris: must be https, or http on loopback');
      expect(() => sitesOf(['https://app.test/cb', uri])).toThrow('client.redirect_uris');
    }
    for (const host of ['127.0.0.1', '127.1.2.3:80', '[::1]:3000', 'localhost', 'app.localhost:3000']) {
      expect(sitesOf([`http://${host}/cb`]).at({}).cookies.secure).toBe(false);
    }
  });

  it('needs a redirect URI', () => {
    expect(() => sitesOf(undefined)).toThrow('client.redirect_uris: is required');
    expect(() => sitesOf([])).toThrow('client.redirect_uris: is required');
  });

  const sites = sitesOf([
    'https://a.test/auth/callback',
    'https://b.test:8443/cb',
    'https://b.test:9443/cb',
    'http://127.0.0.1:3000/cb',
    'http://[::1]:3000/cb',
    'https://a.test/other',
  ]);
  const originAt = (host: string) => sites.at(request(host)).origin;

  it('finds the redirect URI of the request’s host', () => {
    expect(sites.at(request('a.test')).redirect_uri).toBe('https://a.test/auth/callback');
    const hosts = {
      'a.test': 'https://a.test',
      'A.TEST:443': 'https://a.test',
      'a.test:8080': 'https://a.test',
      'b.test:9443': 'https://b.test:9443',
      'b.test': 'https://b.test:8443',
      '127.0.0.1:3000': 'http://127.0.0.1:3000',
      '[::1]:3000': 'http://[::1]:3000',
      '[::1]': 'http://[::1]:3000',
    };
    for (const [host, origin] of Object.entries(hosts)) {
      expect([host, originAt(host), sites.has(request(host))]).toEqual([host, origin, true]);
    }
  });

  it('believes no other host', () => {
    const hosts = {
      'www.b.test': 'https://b.test:8443',
      'evil.test': 'https://a.test',
      'a.test.evil.test': 'https://a.test',
      'a.test.': 'https://a.test',
      'a.test@evil.test': 'https://a.test',
      'a.test, b.test': 'https://a.test',
      'a.test:80:80': 'https://a.test',
      'localhost:3000': 'https://a.test',
      constructor: 'https://a.test',
      '': 'https://a.test',
    };
    for (const [host, origin] of Object.entries(hosts)) {
      expect([host, originAt(host), sites.has(request(host))]).toEqual([host, origin, false]);
    }
    expect(sitesOf(['https://www.a.test/cb', 'https://b.test/cb']).at(request('a.test')).origin).toBe(
      'https://www.a.test',
    );
  });

  it('has cookies by the scheme of that URI', () => {
    const secure = ['a.test', 'b.test', 'evil.test', '127.0.0.1'].map((host) => sites.at(request(host)).cookies.secure);
    expect(secure).toEqual([true, true, true, false]);
  });

  it('keeps one thing for domains that are alike', () => {
    const names = sites.map(({ cookies }) => cookies).map((cookies) => ({ name: cookies.name('s') }));
    expect(names.at(request('a.test'))).toBe(names.at(request('b.test')));
    expect([names.at(request('a.test')), names.at(request('127.0.0.1'))]).toEqual([
      { name: '__Host-s' },
      { name: 's' },
    ]);
  });
});
