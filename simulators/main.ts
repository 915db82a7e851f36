import { ConfigError, loadConfig } from '../platform/config.ts';
import type { Config } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';
import { startSimulators } from './start-simulators.ts';

function readConfig(): Config {
  try {
    return loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

const config = readConfig();
const logger = createLogger({ name: 'simulators', level: config.LOG_LEVEL });
const simulators = await startSimulators({
  host: config.SIMULATORS_HOST,
  port: config.SIMULATORS_PORT,
  smtpPort: config.SIMULATORS_SMTP_PORT,
  smtp2Port: config.SIMULATORS_SMTP_2_PORT,
  twilioSid: config.SIMULATORS_TWILIO_SID,
  twilioToken: config.SIMULATORS_TWILIO_TOKEN,
  vonage: {
    apiKey: config.SIMULATORS_VONAGE_API_KEY,
    apiSecret: config.SIMULATORS_VONAGE_API_SECRET,
    applicationId: config.SIMULATORS_VONAGE_APPLICATION_ID,
    publicKey: config.SIMULATORS_VONAGE_PUBLIC_KEY ?? null,
    signatureSecret: config.SIMULATORS_VONAGE_SIGNATURE_SECRET,
  },
  vonageSmsUrl: config.SIMULATORS_VONAGE_SMS_URL,
  replySmtp: config.SIMULATORS_REPLY_SMTP,
  smsUrl: config.SIMULATORS_SMS_URL,
  people: config.SIMULATORS_PEOPLE,
  ledgerFile: config.SIMULATORS_LEDGER_FILE,
  logger,
}).catch((error: unknown) => {
  logger.fatal({ err: error }, 'simulators cannot start: is the port taken?');
  process.exit(1);
});

for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => {
    void simulators.close().then(() => process.exit(0));
  });
