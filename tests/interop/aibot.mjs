// A bot made of the platform's own SDK, without a change: it does each thing the SDK can, and says what came of it.
import { createHash } from 'node:crypto';
import sdk from '@wecom/aibot-node-sdk';

const [wsUrl, botId, secret] = process.argv.slice(2);
const tell = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + '\n');
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const bot = new sdk.WSClient({ botId, secret, wsUrl, heartbeatInterval: 200, reconnectInterval: 100, logger: quiet });
const failed = (where) => (error) => tell('failed', { where, message: String(error?.errmsg ?? error?.message ?? error) });
const card = (taskId, title) => ({
  card_type: 'button_interaction', task_id: taskId, main_title: { title },
  button_list: [{ text: '已知悉', key: 'ack', style: 1 }],
});

bot.on('authenticated', () => tell('authenticated'));
bot.on('disconnected', (reason) => tell('disconnected', { reason }));
bot.on('error', (error) => tell('error', { message: error.message }));

bot.on('message.text', async (frame) => {
  const text = frame.body.text.content;
  tell('text', { text, from: frame.body.from.userid, chat: frame.body.chatid ?? '' });
  if (frame.body.quote?.video) await fetched('quoted', frame.body.quote.video);
  await bot.replyStream(frame, 'stream-1', '正在处理', false).catch(failed('stream'));
  await bot.replyStream(frame, 'stream-1', `收到：${text}`, true).catch(failed('stream end'));
  await bot.replyTemplateCard(frame, card('card-1', '请确认')).catch(failed('card'));
  tell('answered');
});

async function fetched(event, media) {
  const { buffer, filename } = await bot.downloadFile(media.url, media.aeskey);
  tell(event, { sha256: createHash('sha256').update(buffer).digest('hex'), bytes: buffer.length, filename });
}

for (const kind of ['video', 'file', 'image']) {
  bot.on(`message.${kind}`, async (frame) => {
    await fetched(kind, frame.body[kind]).catch(failed(kind));
    await bot.reply(frame, { msgtype: 'markdown', markdown: { content: `**${kind}**` } }).catch(failed('reply'));
    tell('answered');
  });
}

bot.on('event.enter_chat', async (frame) => {
  await bot.replyWelcome(frame, { msgtype: 'text', text: { content: '您好' } }).catch(failed('welcome'));
  tell('welcomed');
});

bot.on('event.template_card_event', async (frame) => {
  const told = frame.body.event.template_card_event;
  await bot.updateTemplateCard(frame, { ...card(told.task_id, '已处理'), replace_text: '已知悉' }).catch(failed('update'));
  tell('updated', { key: told.event_key });
});

const commands = {
  send: ({ chat, text }) => bot.sendMessage(chat, { msgtype: 'markdown', markdown: { content: text } }),
  upload: async ({ chat, bytes }) => {
    const { media_id } = await bot.uploadMedia(Buffer.alloc(bytes, 7), { type: 'file', filename: '日报.xlsx' });
    await bot.sendMediaMessage(chat, 'file', media_id);
  },
  end: async () => bot.disconnect(),
};

let line = '';
process.stdin.on('data', async (data) => {
  line += data;
  while (line.includes('\n')) {
    const wanted = JSON.parse(line.slice(0, line.indexOf('\n')));
    line = line.slice(line.indexOf('\n') + 1);
    await commands[wanted.do](wanted).then(() => tell('done', { did: wanted.do }), failed(wanted.do));
    if (wanted.do === 'end') process.exit(0);
  }
});
bot.connect();
