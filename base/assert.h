/* Assertions that stay on in every build. They are for our own mistakes only: bad input gets an
 * error (base/error.h). A failed assertion prints its place and aborts; recovery follows from the
 * event log. */
#ifndef ACT_BASE_ASSERT_H
#define ACT_BASE_ASSERT_H

_Noreturn void act_assert_fail(const char *expr, const char *file, int line);

#define ACT_ASSERT(expr) ((expr) ? (void)0 : act_assert_fail(#expr, __FILE__, __LINE__))
#define ACT_UNREACHABLE() act_assert_fail("unreachable", __FILE__, __LINE__)

#endif
