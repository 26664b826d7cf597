/** Everything the page says that depends on what happened, in plain words. */

const ORDINALS = new Intl.PluralRules('en', { type: 'ordinal' });
const SUFFIXES = { one: 'st', two: 'nd', few: 'rd', other: 'th' };

/** What ended the last call, as the one who did not press the button hears it. */
const ENDINGS = {
  'partner-skipped': 'Your partner skipped.',
  'partner-ended': 'Your partner ended the call.',
  'partner-left': 'Your partner left.',
  'connection-lost': 'The connection to your partner was lost.',
  stale: 'The connection to your partner was lost.',
  'connect-timeout': 'Your partner didn’t make it into the call. You kept your place in line.',
  'room-failed': 'The call couldn’t be set up. You kept your place in line.',
  'room-finished': 'The call was closed.',
  blocked: 'Your partner left.',
  admin: 'The call was closed by an operator.',
};

/** The same, where it was oneself who dropped out. */
const OWN_ENDINGS = {
  'connection-lost': 'Your connection to the call was lost.',
  'connect-timeout': 'We couldn’t connect you to the call. Check your network, then start again.',
  stale: 'You were away for a while, so the call ended.',
  admin: 'An operator ended the call.',
};

/** What somebody may be reported for, as one would say it. */
export const OFFENCES = {
  nudity: 'Nudity or sexual behavior',
  harassment: 'Bullying or harassment',
  hate: 'Hate speech',
  violence: 'Violence or threats',
  minor: 'Seems to be under age',
  spam: 'Spam or a fake video',
  other: 'Something else',
};

const MOMENT = { weekday: 'long', month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit' };

/** @param {{reason: string, targetState: string, initiatedBy?: string}} event @param {string} userId */
export function endingWords({ reason, targetState, initiatedBy }, userId) {
  const own = initiatedBy === userId || targetState === 'IDLE';
  return (own && OWN_ENDINGS[reason]) || ENDINGS[reason] || 'The call ended.';
}

/**
 * Why one is kept out, and until when in the reader's own time; empty where this is about something else.
 * @param {{code: string, reason?: string|null, until?: number|null}} bar
 */
export function barWords({ code, reason, until }) {
  const moment = until ? ` until ${new Date(until).toLocaleString('en', MOMENT)}` : ' for now';
  if (code === 'suspended') {
    return `Several people have reported you. You can’t meet anyone${moment}, unless a moderator decides earlier.`;
  }
  if (code !== 'banned') return '';
  return `A moderator has banned you${moment}.${reason ? ` The reason: ${OFFENCES[reason] ?? reason}.` : ''}`;
}

/** Why one is out of the queue without having asked for it; empty where nothing needs saying. */
export function idleWords(reason) {
  if (reason === 'stale') return 'You were away for a while, so we took you out of the line.';
  if (reason === 'admin') return 'An operator took you out of the line.';
  return '';
}

/**
 * What went with the page that was in this tab before.
 * @param {'waiting'|'call'} from @param {boolean} reloaded
 */
export function departureWords(from, reloaded) {
  const place = from === 'call' ? 'call' : 'line';
  return `You left the ${place} when the page was ${reloaded ? 'reloaded' : 'closed'}. Press Start to go on.`;
}

/** @param {number|null} position from 1 @param {number|null} length */
export function positionWords(position, length) {
  if (!position) return 'Getting you in line…';
  if (position === 1) return 'You’re next in line';
  const place = `${position}${SUFFIXES[ORDINALS.select(position)]}`;
  return length ? `You’re ${place} of ${length} in line` : `You’re ${place} in line`;
}

/** What people waited lately, which is no promise. @param {number|null} seconds */
export function estimateWords(seconds) {
  if (seconds === null || seconds === undefined) return '';
  if (seconds <= 10) return 'usually a few seconds';
  if (seconds < 55) return `usually about ${Math.ceil(seconds / 10) * 10} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes === 1 ? 'usually about a minute' : `usually about ${minutes} minutes`;
}

/** Why nobody was found yet. @param {string|null} reason */
export function holdWords(reason) {
  switch (reason) {
    case 'cooldown':
      return 'The only people waiting are ones you just met. You can meet again in';
    case 'alone-in-queue':
      return 'It’s quiet right now. You’ll be connected the moment someone else presses Start.';
    case 'blocked':
      return 'Nobody in line can be matched with you yet. We’ll keep looking.';
    case 'rooms-unavailable':
      return 'Video rooms are taking a break. You keep your place, and we’ll go on as soon as they’re back.';
    default:
      return '';
  }
}

/** What is wrong with one's own camera and microphone. @param {import('./media.js').LocalMedia} media */
export function mediaWords(media) {
  const camera = media.trouble('camera');
  const microphone = media.trouble('microphone');
  if (!camera && !microphone) return '';
  const both = camera && microphone;
  const what = both ? 'camera and microphone' : camera ? 'camera' : 'microphone';
  const effect = both ? 'see or hear' : camera ? 'see' : 'hear';
  return `${troubleWords(camera ?? microphone, what, both)} Your partner can’t ${effect} you.`;
}

function troubleWords(trouble, what, both) {
  const them = both ? 'them' : 'it';
  switch (trouble) {
    case 'denied':
      return `Your ${what} ${both ? 'are' : 'is'} blocked. Allow ${them} in the address bar to change that.`;
    case 'busy':
      return `Your ${what} ${both ? 'are' : 'is'} in use by another program.`;
    case 'insecure':
      return `Browsers share your ${what} with secure pages only (https).`;
    default:
      return `No ${both ? 'camera or microphone' : what} found.`;
  }
}

/** Why a request did not work. @param {import('./dormparty-client.js').Problem} problem */
export function problemWords(problem) {
  const wait = problem.retryAfterSeconds ? ` Try again in ${durationWords(problem.retryAfterSeconds)}.` : '';
  switch (problem.code) {
    case 'skip_cooldown':
      return `You’re skipping very fast.${wait}`;
    case 'rate_limited':
      return `That was a lot at once.${wait}`;
    case 'unavailable':
    case 'unreachable':
      return 'We can’t reach DormParty right now.';
    case 'forbidden':
      return 'You can’t take part in DormParty at the moment.';
    case 'not_found':
      return 'That was too long ago: this works for the people you met last.';
    default:
      return barWords(problem) || 'That didn’t work. Please try again.';
  }
}

/** How long one talked, for the goodbye; empty for a short hello. @param {number} ms */
export function talkedWords(ms) {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return '';
  return minutes === 1 ? ' You talked for a minute.' : ` You talked for ${minutes} minutes.`;
}

/** Minutes and seconds, as on a clock: 0:07. @param {number} seconds */
export function clockWords(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

function durationWords(seconds) {
  if (seconds > 100) return `${Math.ceil(seconds / 60)} minutes`;
  const whole = Math.ceil(seconds);
  return whole === 1 ? '1 second' : `${whole} seconds`;
}
