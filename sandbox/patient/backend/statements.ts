/** The shop's SQL, with psycopg2's `%s`. */

/** Their parameters are a customer and the seconds that the query takes. */
export const shortQueries = [
  'SELECT count(*), pg_sleep(s) FROM orders, (VALUES (%s, %s)) v(c, s) WHERE customer_id = c GROUP BY s',
  'SELECT email, pg_sleep(s) FROM customers JOIN (VALUES (%s, %s)) v(c, s) ON c = id',
  'SELECT balance, pg_sleep(s) FROM accounts JOIN (VALUES (%s, %s)) v(c, s) ON c = id',
  'SELECT sum(amount), pg_sleep(s) FROM payments, (VALUES (%s, %s)) v(c, s) WHERE account_id = c GROUP BY s',
] as const;

/** Code paths that write: the request and its statement. The parameter is a row no other request touches. */
export const writes = [
  ['POST /orders', "UPDATE orders SET status = 'paid' WHERE id = %s"],
  ['POST /profile', "UPDATE customers SET name = 'Ada Lovelace' WHERE id = %s"],
  ['POST /transfer', 'UPDATE accounts SET balance = balance - 25 WHERE id = %s'],
  ['POST /refunds', 'DELETE FROM payments WHERE id = %s'],
  ['POST /carts', "INSERT INTO orders (customer_id, total, status) VALUES (%s, 12.50, 'open')"],
  ['POST /signup', "INSERT INTO customers (name, email) VALUES ('n' || %s, 'new@example.com')"],
  [
    'POST /top-up',
    "INSERT INTO payments (account_id, amount, card) VALUES (%s, 50, '4111111111111111')",
  ],
  ['POST /invoices', "INSERT INTO invoices (order_id, sent_to) VALUES (%s, 'jane@example.com')"],
  ['POST /invoices/send', 'UPDATE invoices SET sent_at = now() WHERE id = %s'],
  ['POST /discounts', 'UPDATE orders SET total = total * 0.9 WHERE id = %s'],
] as const;

/** A write that touches no row of another. */
export const payment = "INSERT INTO payments (account_id, amount, card) VALUES (%s, 5, 'none')";

/** The transaction others wait for: it takes the lock and then does something else for ever. */
export const holdingStatements = {
  row: 'UPDATE accounts SET balance = balance - 100 WHERE id = 1',
  table: 'SELECT count(*) FROM invoices',
} as const;

/** Those who wait. Their parameter is an amount, or an invoice. */
export const contendingStatement = {
  row: 'UPDATE accounts SET balance = balance + %s WHERE id = 1',
  table: 'SELECT sent_to FROM invoices WHERE id = %s',
} as const;
