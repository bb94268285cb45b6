/* GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 *
 * sanlock ends when it may not raise its limit of locked memory, and a container without CAP_SYS_RESOURCE may not.
 * Preloaded into sanlock, this accepts every limit and changes none.
 */
#define _GNU_SOURCE
#include <sys/resource.h>

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limits)
{
    (void)resource;
    (void)limits;
    return 0;
}

int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limits)
{
    (void)resource;
    (void)limits;
    return 0;
}
