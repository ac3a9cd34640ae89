import type { Frame, Page } from 'playwright-core';

const buttonIn = (frame: Frame, name: string) => frame.getByRole('button', { name, exact: true });

/** Presses Tab until the button of that name has the focus, in the page or in a dialog over it. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let stop = 0; stop < 40; stop += 1) {
    await page.keyboard.press('Tab');
    const focused = page.frames().map((frame) => buttonIn(frame, name).and(frame.locator(':focus')).count());
    if ((await Promise.all(focused)).some((count) => count > 0)) return;
  }
  throw new Error(`no Tab leads to ${name}`);
}

/** Presses a button of the page as somebody does who has nothing but a keyboard. */
export async function pressByKeyboard(page: Page, name: string): Promise<void> {
  await buttonIn(page.mainFrame(), name).waitFor();
  await tabTo(page, name);
  await page.keyboard.press('Enter');
}

/** Signs in at the sandbox bank and allows, without a mouse. */
export async function signInByKeyboard(page: Page): Promise<void> {
  const dialog = page.frameLocator('iframe');
  const user = dialog.getByRole('textbox', { name: 'Username' });
  const bank = dialog.getByRole('button', { name: 'Tartan Bank' });
  await bank.or(user).first().waitFor();
  if (await bank.isVisible()) {
    await tabTo(page, 'Tartan Bank');
    await page.keyboard.press('Enter');
    await user.waitFor();
  }
  await page.keyboard.type('user_good');
  await page.keyboard.press('Tab');
  await page.keyboard.type('pass_good');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Allow' }).waitFor();
  await tabTo(page, 'Allow');
  // The frame is gone before it could say that the key was pressed.
  void page.keyboard.press('Enter').catch(() => undefined);
}
