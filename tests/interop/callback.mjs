// A callback made of the platform's own crypto package, without a change.
import { createServer } from 'node:http';
import crypto from '@wecom/crypto';

const [token, key] = process.argv.slice(2);
const tell = (told) => process.stdout.write(JSON.stringify(told) + '\n');

const server = createServer((request, response) => {
  const query = new URL(request.url, 'http://localhost').searchParams;
  let body = '';
  request.on('data', (piece) => { body += piece; });
  request.on('end', () => {
    const sealed = query.get('echostr') ?? body.match(/<Encrypt>(?:<!\[CDATA\[)?([^<\]]+)/)[1];
    const signature = crypto.getSignature(token, query.get('timestamp'), query.get('nonce'), sealed);
    if (signature !== query.get('msg_signature')) { response.writeHead(403).end(); return; }
    const { message, id } = crypto.decrypt(key, sealed);
    if (request.method === 'GET') { response.end(message); return; }
    tell({ event: 'heard', message, id, again: crypto.encrypt(key, message, id) });
    response.end();
  });
});
server.listen(0, '127.0.0.1', () => tell({ event: 'listening', port: server.address().port }));
process.stdin.on('end', () => process.exit(0)).resume();
