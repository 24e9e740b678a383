# Reports runs of AOMEI Backupper to a Holdfast controller. Windows PowerShell 5.1 and newer.
#
# Every function that sends answers $true or $false and writes the reason to the log: a report that fails must never
# break the script that made the backup.

Set-StrictMode -Version 1.0

$script:DataFolder = Join-Path -Path $env:ProgramData -ChildPath 'Holdfast'
$script:RegistryKey = 'HKLM:\SOFTWARE\Holdfast\Reporter'
$script:LogLevel = 'INFO'
$script:LogLevels = @('DEBUG', 'INFO', 'WARNING', 'ERROR')
$script:LargestLog = 5MB
$script:MostAttempts = 5
$script:TimeoutSeconds = 30

# Where the configuration is: as told, in the environment, in the registry, in the data folder, beside this module.
function Get-ConfigPath {
    param([string]$Path)

    $inRegistry = Get-ItemProperty -Path $script:RegistryKey -Name 'ConfigPath' -ErrorAction SilentlyContinue
    $candidates = @($Path, $env:HOLDFAST_REPORTER_CONFIG)
    if ($null -ne $inRegistry) { $candidates += $inRegistry.ConfigPath }
    $candidates += Join-Path -Path $script:DataFolder -ChildPath 'reporter.json'
    $candidates += Join-Path -Path $PSScriptRoot -ChildPath 'config.json'
    foreach ($candidate in $candidates) {
        if (-not [string]::IsNullOrEmpty($candidate) -and (Test-Path -LiteralPath $candidate -PathType Leaf)) {
            return $candidate
        }
    }
    return $null
}

<#
.SYNOPSIS
Reads the configuration: api_url, api_key and log_level. An older file says api_token instead of api_key.
#>
function Get-BackupSystemConfig {
    param([string]$ConfigPath)

    $path = Get-ConfigPath -Path $ConfigPath
    if ($null -eq $path) { throw 'There is no configuration: make one with Save-BackupSystemConfig.' }
    $file = Get-Content -LiteralPath $path -Raw -Encoding UTF8 | ConvertFrom-Json
    $key = $file.api_key
    if ([string]::IsNullOrEmpty($key)) { $key = $file.api_token }
    $url = [string]$file.api_url
    if (-not $url.StartsWith('https://')) { throw "api_url in $path must begin with https://" }
    if ([string]::IsNullOrEmpty($key)) { throw "api_key is missing in $path" }
    $level = [string]$file.log_level
    if ($script:LogLevels -notcontains $level) { $level = 'INFO' }
    return [pscustomobject]@{ api_url = $url.TrimEnd('/'); api_key = [string]$key; log_level = $level.ToUpperInvariant() }
}

<#
.SYNOPSIS
Writes the configuration, which only SYSTEM and the administrators can read: it holds the API key.
#>
function Save-BackupSystemConfig {
    param(
        [Parameter(Mandatory = $true)][string]$ApiUrl,
        [Parameter(Mandatory = $true)][Alias('ApiToken')][string]$ApiKey,
        [ValidateSet('DEBUG', 'INFO', 'WARNING', 'ERROR')][string]$LogLevel = 'INFO',
        [string]$ConfigPath = (Join-Path -Path $script:DataFolder -ChildPath 'reporter.json')
    )

    if (-not $ApiUrl.StartsWith('https://')) { throw 'ApiUrl must begin with https://' }
    $config = [ordered]@{ api_url = $ApiUrl; api_key = $ApiKey; log_level = $LogLevel }
    $folder = Split-Path -Path $ConfigPath -Parent
    if (-not (Test-Path -LiteralPath $folder)) { New-Item -Path $folder -ItemType Directory -Force | Out-Null }
    $partial = "$ConfigPath.partial"
    # Made empty and closed to others before the key is in it.
    New-Item -Path $partial -ItemType File -Force | Out-Null
    Protect-ConfigFile -Path $partial
    [IO.File]::WriteAllText($partial, ($config | ConvertTo-Json), (New-Object -TypeName Text.UTF8Encoding -ArgumentList $false))
    Move-Item -LiteralPath $partial -Destination $ConfigPath -Force
}

function Protect-ConfigFile {
    param([string]$Path)

    $rules = New-Object -TypeName Security.AccessControl.FileSecurity
    $rules.SetAccessRuleProtection($true, $false)
    # SYSTEM and the administrators, by their numbers, because their names are translated.
    foreach ($sid in @('S-1-5-18', 'S-1-5-32-544')) {
        $who = New-Object -TypeName Security.Principal.SecurityIdentifier -ArgumentList $sid
        $rule = New-Object -TypeName Security.AccessControl.FileSystemAccessRule -ArgumentList $who, 'FullControl', 'Allow'
        $rules.AddAccessRule($rule)
    }
    Set-Acl -LiteralPath $Path -AclObject $rules
}

<#
.SYNOPSIS
Writes one line to the reporter's log; what is below the configured level is left out.
#>
function Write-BackupLog {
    param(
        [Parameter(Mandatory = $true)][string]$Level,
        [Parameter(Mandatory = $true)][string]$Message,
        [int]$JobId = 0
    )

    $rank = [array]::IndexOf($script:LogLevels, $Level.ToUpperInvariant())
    $least = [array]::IndexOf($script:LogLevels, [string]$script:LogLevel)
    if ($rank -ge 0 -and $rank -lt $least) { return }
    $about = ''
    if ($JobId -gt 0) { $about = "[job $JobId] " }
    # One line, whatever the message holds.
    $line = '{0} {1} {2}{3}' -f (Get-UtcText -Time ([datetime]::UtcNow)), $Level.ToUpperInvariant(), $about, ($Message -replace '[\r\n]+', ' ')
    try {
        $path = Join-Path -Path $script:DataFolder -ChildPath 'reporter.log'
        if (-not (Test-Path -LiteralPath $script:DataFolder)) {
            New-Item -Path $script:DataFolder -ItemType Directory -Force | Out-Null
        }
        $log = Get-Item -LiteralPath $path -ErrorAction SilentlyContinue
        if ($null -ne $log -and $log.Length -gt $script:LargestLog) {
            Move-Item -LiteralPath $path -Destination "$path.old" -Force
        }
        Add-Content -LiteralPath $path -Value $line -Encoding UTF8
    }
    catch {
        Write-Warning -Message "The log cannot be written: $($_.Exception.Message)"
    }
    Write-Verbose -Message $line
}

function Get-UtcText {
    param([datetime]$Time)

    return $Time.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ss.fffZ', [Globalization.CultureInfo]::InvariantCulture)
}

# A moment goes out in UTC, text as it is: the controller reads it in the zone of the API key.
function ConvertTo-ReportTime {
    param([object]$Time)

    if ($null -eq $Time) { return $null }
    if ($Time -is [datetime]) { return Get-UtcText -Time $Time }
    if ($Time -is [datetimeoffset]) { return Get-UtcText -Time $Time.UtcDateTime }
    return [string]$Time
}

# TLS 1.2 and, where this Windows knows it, 1.3. Certificates are always verified: there is no switch against it.
function Set-TlsVersion {
    $tls12 = 3072
    $tls13 = 12288
    try { [Net.ServicePointManager]::SecurityProtocol = $tls12 -bor $tls13 }
    catch { [Net.ServicePointManager]::SecurityProtocol = $tls12 }
}

# Failures since the last report that got through: the controller counts them once it hears of them.
function Get-ErrorCountPath { return (Join-Path -Path $script:DataFolder -ChildPath 'reporter-errors.txt') }

function Get-ErrorCount {
    $text = Get-Content -LiteralPath (Get-ErrorCountPath) -TotalCount 1 -ErrorAction SilentlyContinue
    $count = 0
    if ([int]::TryParse([string]$text, [ref]$count)) { return $count }
    return 0
}

function Set-ErrorCount {
    param([int]$Count)

    try { Set-Content -LiteralPath (Get-ErrorCountPath) -Value ([string]$Count) -Encoding ASCII -ErrorAction Stop }
    catch { Write-Verbose -Message 'The count of failures cannot be kept.' }
}

# Seconds to wait after a failure: as long as the controller asks for, else twice as long each time.
function Get-RetryDelay {
    param([int]$Attempt, [object]$Response)

    $asked = 0
    if ($null -ne $Response) {
        try { [void][int]::TryParse([string]$Response.Headers['Retry-After'], [ref]$asked) }
        catch { $asked = 0 }
    }
    if ($asked -gt 0) { return [Math]::Min($asked, 300) }
    $jitter = Get-Random -Minimum 0 -Maximum 1000
    return [Math]::Pow(2, $Attempt) + $jitter / 1000
}

# Posts to the controller. The same key goes with every attempt, so that a report whose answer was lost counts once.
# Answers what the controller answers; throws its refusal, or the last failure.
function Invoke-HoldfastRequest {
    param(
        [Parameter(Mandatory = $true)][string]$Path,
        [Parameter(Mandatory = $true)][hashtable]$Body
    )

    $config = Get-BackupSystemConfig
    $script:LogLevel = $config.log_level
    Set-TlsVersion
    $headers = @{
        'X-API-Key'                  = $config.api_key
        'Idempotency-Key'            = [guid]::NewGuid().ToString()
        'X-Holdfast-Reporter-Errors' = [string](Get-ErrorCount)
    }
    # Windows PowerShell would send text as ISO 8859-1.
    $bytes = [Text.Encoding]::UTF8.GetBytes(($Body | ConvertTo-Json -Depth 8 -Compress))
    for ($attempt = 1; $true; $attempt++) {
        try {
            $answer = Invoke-WebRequest -Uri "$($config.api_url)$Path" -Method Post -Headers $headers -Body $bytes `
                -ContentType 'application/json; charset=utf-8' -TimeoutSec $script:TimeoutSeconds -UseBasicParsing
            Set-ErrorCount -Count 0
            return ($answer.Content | ConvertFrom-Json)
        }
        catch {
            $response = $_.Exception.Response
            $code = 0
            if ($null -ne $response) { $code = [int]$response.StatusCode }
            $isRefusal = $code -ge 400 -and $code -lt 500 -and $code -ne 408 -and $code -ne 429
            if ($isRefusal -or $attempt -ge $script:MostAttempts) {
                Set-ErrorCount -Count ((Get-ErrorCount) + 1)
                throw "HTTP $code from $Path`: $($_.Exception.Message) $($_.ErrorDetails)"
            }
            Start-Sleep -Seconds (Get-RetryDelay -Attempt $attempt -Response $response)
        }
    }
}

function Send-Report {
    param([string]$Path, [hashtable]$Body, [int]$JobId)

    try {
        $answer = Invoke-HoldfastRequest -Path $Path -Body $Body
        Write-BackupLog -Level 'INFO' -Message "Reported: $($answer.message)" -JobId $JobId
        return $true
    }
    catch {
        Write-BackupLog -Level 'ERROR' -Message "Not reported: $($_.Exception.Message)" -JobId $JobId
        return $false
    }
}

<#
.SYNOPSIS
Makes a job known and answers its id. A name that was registered before answers the same id again.
#>
function Register-BackupJob {
    param(
        [Parameter(Mandatory = $true)][string]$TaskName,
        [ValidateSet('system_image', 'file', 'database', 'vm')][string]$JobType = 'system_image',
        [string]$TargetServer = $env:COMPUTERNAME,
        [string]$TargetPath = '',
        [string]$Description = ''
    )

    $body = @{
        job_id        = 0
        task_name     = $TaskName
        job_type      = $JobType
        target_server = $TargetServer
        target_path   = $TargetPath
        description   = $Description
    }
    $answer = Invoke-HoldfastRequest -Path '/aomei/register' -Body $body
    return [int]$answer.data.job_id
}

<#
.SYNOPSIS
Tells of a run that has just ended. Status: success, failed, warning or unknown.
#>
function Send-BackupStatus {
    param(
        [Parameter(Mandatory = $true)][int]$JobId,
        [Parameter(Mandatory = $true)][string]$Status,
        [long]$BackupSize = 0,
        [double]$Duration = 0,
        [string]$ErrorMessage = ''
    )

    $body = @{
        job_id        = $JobId
        status        = $Status
        backup_size   = $BackupSize
        duration      = $Duration
        error_message = $ErrorMessage
    }
    return (Send-Report -Path '/aomei/status' -Body $body -JobId $JobId)
}

<#
.SYNOPSIS
Tells of another copy of the backup that was just made: secondary, offsite or offline.
#>
function Send-BackupCopyStatus {
    param(
        [Parameter(Mandatory = $true)][int]$JobId,
        [Parameter(Mandatory = $true)][string]$Status,
        [long]$CopySize = 0,
        [double]$Duration = 0,
        [string]$ErrorMessage = '',
        [ValidateSet('secondary', 'offsite', 'offline')][string]$CopyType = 'secondary',
        [string]$StoragePath = ''
    )

    $body = @{
        job_id        = $JobId
        status        = $Status
        backup_size   = $CopySize
        duration      = $Duration
        error_message = $ErrorMessage
        copy_type     = $CopyType
        storage_path  = $StoragePath
    }
    return (Send-Report -Path '/aomei/status' -Body $body -JobId $JobId)
}

<#
.SYNOPSIS
Tells of a run with its times: a [datetime], or ISO 8601 text.
#>
function Send-BackupExecution {
    param(
        [Parameter(Mandatory = $true)][int]$JobId,
        [Parameter(Mandatory = $true)][object]$StartTime,
        [Parameter(Mandatory = $true)][object]$EndTime,
        [Parameter(Mandatory = $true)][string]$Status,
        [long]$BackupSize = 0,
        [string]$Details = ''
    )

    $startText = ConvertTo-ReportTime -Time $StartTime
    $endText = ConvertTo-ReportTime -Time $EndTime
    $body = @{
        job_id      = $JobId
        start_time  = $startText
        end_time    = $endText
        status      = $Status
        backup_size = $BackupSize
        details     = $Details
    }
    return (Send-Report -Path '/aomei/status' -Body $body -JobId $JobId)
}

<#
.SYNOPSIS
Tells of up to 500 runs at once; answers the controller's result for each of them.
#>
function Send-BackupStatusBatch {
    param([Parameter(Mandatory = $true)][AllowEmptyCollection()][object[]]$Statuses)

    if ($Statuses.Count -eq 0) { return @() }
    $body = @{
        statuses = $Statuses
    }
    $answer = Invoke-HoldfastRequest -Path '/aomei/status/batch' -Body $body
    return $answer.results
}

Export-ModuleMember -Function @(
    'Get-BackupSystemConfig',
    'Save-BackupSystemConfig',
    'Write-BackupLog',
    'Register-BackupJob',
    'Send-BackupStatus',
    'Send-BackupCopyStatus',
    'Send-BackupExecution',
    'Send-BackupStatusBatch'
)
