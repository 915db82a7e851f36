// An outgoing webhook never reaches anything but the public internet, whatever its URL looks like and
// whatever its name resolves to, unless the operator allows the host; and it goes to the address checked.
import { describe, expect, it } from 'vitest';

import { checkDestination } from './public-address.ts';

const resolving = (...addresses: string[]) => ({
  allowedHosts: [],
  resolve: () => Promise.resolve(addresses.map((address) => ({ address, family: 4 }))),
});

const refusedUrls = [
  ...[
    '',
    'x',
    '//example.com',
    'https://',
    'http://example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
  ],
  ...[
    'gopher://example.com',
    'data:text/plain,x',
    'javascript:alert(1)',
    'unix:/run/x.sock',
    'ws://example.com',
  ],
  ...['https://user@example.com/', 'https://user:pass@example.com/', 'https://:pass@example.com/'],
  ...[
    'https://127.0.0.1/',
    'https://127.1/',
    'https://127.255.255.254/',
    'https://2130706433/',
    'https://0x7f000001/',
  ],
  ...[
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://0/',
    'https://0.0.0.0/',
  ],
  ...[
    'https://10.0.0.1/',
    'https://10.255.255.255/',
    'https://172.16.0.1/',
    'https://172.31.255.255/',
  ],
  ...['https://192.168.0.1/', 'https://169.254.169.254/latest/meta-data/', 'https://169.254.0.1/'],
  ...[
    'https://100.64.0.1/',
    'https://100.127.255.255/',
    'https://192.0.0.1/',
    'https://192.0.2.1/',
  ],
  ...[
    'https://198.18.0.1/',
    'https://198.19.255.255/',
    'https://198.51.100.1/',
    'https://203.0.113.1/',
  ],
  ...[
    'https://224.0.0.1/',
    'https://239.255.255.255/',
    'https://240.0.0.1/',
    'https://255.255.255.255/',
  ],
  ...['https://[::1]/', 'https://[::]/', 'https://[::ffff:127.0.0.1]/', 'https://[::ffff:7f00:1]/'],
  ...['https://[::ffff:169.254.169.254]/', 'https://[::ffff:10.0.0.1]/', 'https://[::127.0.0.1]/'],
  ...['https://[fe80::1]/', 'https://[febf::1]/', 'https://[fc00::1]/', 'https://[fd00:ec2::254]/'],
  ...[
    'https://[fec0::1]/',
    'https://[ff02::1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[64:ff9b:1::1]/',
  ],
  ...[
    'https://[2001:db8::1]/',
    'https://[2002:7f00:1::]/',
    'https://[2001::1]/',
    'https://[100::1]/',
  ],
  ...['https://[4000::1]/', 'https://[5f00::1]/', 'https://①②⑦.⓪.⓪.①/', 'https://127。0。0。1/'],
  ...[
    'https://0251.0376.0251.0376/',
    'https://2852039166/',
    `https://example.com/${'a'.repeat(2000)}`,
  ],
];

describe('webhook destinations', () => {
  it('has a corpus of at least 60', () => {
    expect(new Set(refusedUrls).size).toBeGreaterThanOrEqual(60);
  });

  it.each(refusedUrls)('refuses %j', async (url) => {
    const checking = checkDestination(url, resolving('93.184.215.14'));
    await expect(checking).rejects.toMatchObject({ kind: 'InvalidDestination' });
  });

  it.each([
    ['127.0.0.1'],
    ['93.184.215.14', '10.0.0.1'],
    ['2606:2800::1', '::1'],
    ['::ffff:10.0.0.1'],
  ])('refuses names of which any address is private: %s %s', async (...addresses) => {
    const checking = checkDestination(
      'https://rebind.example.com/',
      resolving(...addresses.filter(Boolean)),
    );
    await expect(checking).rejects.toMatchObject({ kind: 'InvalidDestination' });
  });

  it('pins the address that it checked', async () => {
    const checked = await checkDestination(
      'https://example.com:8443/a?b',
      resolving('93.184.215.14'),
    );
    expect(checked).toMatchObject({ address: '93.184.215.14' });
    expect(checked.url.host).toBe('example.com:8443');
  });

  it('asks the resolver once only, so that a changed answer cannot matter', async () => {
    let asked = 0;
    const resolve = () => {
      asked += 1;
      return Promise.resolve([{ address: asked === 1 ? '93.184.215.14' : '127.0.0.1', family: 4 }]);
    };
    await checkDestination('https://rebind.example.com/', { allowedHosts: [], resolve });
    expect(asked).toBe(1);
  });

  it('lets the operator allow a host, or a host with a port', async () => {
    const rules = {
      allowedHosts: ['127.0.0.1:8090', 'internal'],
      resolve: resolving('10.0.0.1').resolve,
    };
    await expect(checkDestination('http://127.0.0.1:8090/x', rules)).resolves.toBeDefined();
    await expect(checkDestination('https://internal/x', rules)).resolves.toMatchObject({
      address: '10.0.0.1',
    });
    await expect(checkDestination('http://127.0.0.1:8091/x', rules)).rejects.toThrow();
    await expect(checkDestination('http://u:p@internal/x', rules)).rejects.toThrow();
  });

  it('reports a name that cannot be resolved as something that may pass', async () => {
    const resolve = () => Promise.reject(new Error('ENOTFOUND'));
    const checking = checkDestination('https://gone.example.com/', { allowedHosts: [], resolve });
    await expect(checking).rejects.toMatchObject({ kind: 'ProviderUnavailable' });
  });
});
