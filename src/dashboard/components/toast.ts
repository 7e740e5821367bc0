// Short messages in the corner: an action was done, or was refused and why.
import { notifications } from '@mantine/notifications';

import { errorSentence } from '../api.ts';

const CLOSE = { 'aria-label': 'Close this message' };

export function toastDone(message: string): void {
  notifications.show({ message, color: 'green', autoClose: 3_500, closeButtonProps: CLOSE });
}

/** It was done to some; the message says to whom not and why. */
export function toastPartly(message: string): void {
  notifications.show({ message, color: 'yellow', autoClose: 8_000, closeButtonProps: CLOSE });
}

export function toastError(error: unknown): void {
  notifications.show({ title: 'That did not work', message: errorSentence(error), color: 'red', autoClose: 8_000, closeButtonProps: CLOSE });
}

/** Longer text is better selected where it stands. */
const MAX_TOLD = 400;

export function toastCopyByHand(text: string): void {
  const message = text.length > MAX_TOLD ? 'Select the text on the page and copy it with Ctrl+C.' : `Select this and copy it with Ctrl+C: ${text}`;
  notifications.show({ title: 'This browser does not let this page copy', message, color: 'yellow', autoClose: false, closeButtonProps: CLOSE });
}
